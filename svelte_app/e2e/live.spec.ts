import { expect, test } from '@playwright/test';

import { choose, named, openUpload, photos, progress, tile } from './site';

test('news that comes before the answer names its job is not lost', async ({ page }) => {
  // The answer is held back until the jobs are done and their news has long been told.
  await page.route('**/api/async/batch/upload*', async (route) => {
    const response = await route.fetch();
    const { jobs } = (await response.json()) as { jobs: { id: string }[] };
    const ids = jobs.map(({ id }) => id).join(',');
    await expect
      .poll(async () => {
        const listed = await page.request.get(`/api/list?ids=${ids}`);
        return ((await listed.json()) as { status: string }[]).map(({ status }) => status);
      })
      .toEqual(['completed', 'completed']);
    await page.waitForTimeout(1_000);
    // From here on nothing but what the page has heard can tell it of the end.
    await page.context().route('**/api/list*', (other) => other.abort());
    await route.fulfill({ response });
  });
  await openUpload(page, 'batch');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await choose(page, photos(2, 'early'));
  for (const name of [named('early', 1), named('early', 2)]) {
    await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished', { timeout: 20_000 });
  }
});

test('progress comes true without any live connection', async ({ page }) => {
  await page.routeWebSocket('**/ws/upload/', (socket) => socket.close());
  await openUpload(page, 'async');
  await expect(page.getByText('Reconnecting', { exact: true })).toBeVisible();
  await choose(page, photos(3, 'deaf'));
  await expect(progress(page).getByText('3 photos finished.')).toBeVisible({ timeout: 40_000 });
});

test('after a cut line the page catches up with what it missed', async ({ page }) => {
  let cut = false;
  let lines = 0;
  await page.routeWebSocket('**/ws/upload/', (socket) => {
    lines += 1;
    const server = socket.connectToServer();
    server.onMessage((message) => {
      // The first line dies with the first news, which is lost with it.
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
  expect(lines).toBeGreaterThan(1);
});
