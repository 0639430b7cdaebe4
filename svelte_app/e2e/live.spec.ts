import { expect, test } from '@playwright/test';

import { choose, nameOf, openUpload, photos, progress, tile } from './site';

test('an event that arrives before the upload response is not lost', async ({ page }) => {
  // The upload response is held until the jobs are final and their events have been sent.
  await page.route('**/api/async/batch/upload*', async (route) => {
    const response = await route.fetch();
    const { jobs } = (await response.json()) as { jobs: { id: string }[] };
    const ids = jobs.map(({ id }) => id).join(',');
    await expect
      .poll(async () => {
        const list = await page.request.get(`/api/list?ids=${ids}`);
        return ((await list.json()) as { status: string }[]).map(({ status }) => status);
      })
      .toEqual(['completed', 'completed']);
    await page.waitForTimeout(1_000);
    // With the list API blocked, only the received events can finish the files.
    await page.context().route('**/api/list*', (other) => other.abort());
    await route.fulfill({ response });
  });
  await openUpload(page, 'batch');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await choose(page, photos(2, 'early'));
  for (const name of [nameOf('early', 1), nameOf('early', 2)]) {
    await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished', { timeout: 20_000 });
  }
});

test('files finish without a live connection', async ({ page }) => {
  await page.routeWebSocket('**/ws/upload/', (socket) => socket.close());
  await openUpload(page, 'async');
  await expect(page.getByText('Reconnecting', { exact: true })).toBeVisible();
  await choose(page, photos(3, 'disconnected'));
  await expect(progress(page).getByText('3 photos finished.')).toBeVisible({ timeout: 40_000 });
});

test('the page recovers missed events after a connection loss', async ({ page }) => {
  let cut = false;
  let connections = 0;
  await page.routeWebSocket('**/ws/upload/', (socket) => {
    connections += 1;
    const server = socket.connectToServer();
    server.onMessage((message) => {
      // The first connection is closed at its first event, which is lost.
      if (!cut && String(message).includes('send_upload_notification')) {
        cut = true;
        void socket.close({ code: 1001, reason: 'restart' });
      } else socket.send(message);
    });
  });
  await openUpload(page, 'batch');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await choose(page, photos(4, 'cut'));
  await expect(progress(page).getByText('4 photos finished.')).toBeVisible({ timeout: 9_000 });
  expect(connections).toBeGreaterThan(1);
});
