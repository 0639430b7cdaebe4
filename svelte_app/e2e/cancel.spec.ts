import { expect, test } from '@playwright/test';

import { choose, corrupt, listImages, nameOf, openUpload, photos, progress, tile } from './site';

test('a waiting file is cancelled, and the other files of its request are uploaded', async ({ page }) => {
  let attempts = 0;
  await page.route('**/api/async/batch/upload*', (route) => {
    if ((attempts += 1) > 1) return route.continue();
    return route.fulfill({
      status: 503,
      headers: { 'Retry-After': '3' },
      json: { error: 'Too much at once.', code: 'overloaded' },
    });
  });
  await openUpload(page, 'batch');
  await choose(page, photos(3, 'spared'));
  await expect(tile(page, nameOf('spared', 2))).toHaveAttribute('data-kind', 'waiting');
  await page.getByRole('button', { name: `Cancel ${nameOf('spared', 2)}` }).click();
  await expect(progress(page).getByText('2 photos finished, 1 cancelled.')).toBeVisible();
  expect((await listImages(page, 'spared')).map(({ name }) => name).sort()).toEqual(
    [1, 3].map((at) => nameOf('spared', at)),
  );
});

test('"Cancel all" cancels files in upload and in processing', async ({ page }) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let requests = 0;
  await page.route('**/api/async/batch/upload*', async (route) => {
    // The first request is sent. The others are held.
    if ((requests += 1) > 1) await held;
    await route.continue().catch(() => undefined);
  });
  await openUpload(page, 'batch');
  await choose(page, photos(120, 'dropped'));
  await expect(progress(page).getByText(/^\d+ of 120 finished$/)).toBeVisible();
  await expect(page.getByRole('link', { name: 'Show this upload' })).toBeVisible();
  await page.getByRole('button', { name: 'Cancel all' }).click();
  release();
  await expect(progress(page).getByText(/photos? finished, \d+ cancelled\.$/)).toBeVisible();
  const images = await listImages(page, 'dropped');
  expect(images.every(({ status }) => status === 'completed' || status === 'aborted')).toBe(true);
  await page.getByRole('button', { name: 'Clear finished' }).click();
  await expect(page.getByTestId('tile')).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Drop your photos anywhere' })).toBeFocused();
});

test('two corrupt files among fifty are listed by name and stay when finished files are cleared', async ({
  page,
}) => {
  const bad = [corrupt(nameOf('corrupted', 1)), corrupt(nameOf('corrupted', 2))];
  const good = photos(48, 'valid');
  await openUpload(page, 'batch');
  await choose(page, [...good.slice(0, 30), ...bad, ...good.slice(30)]);
  await expect(progress(page).getByText('48 photos finished, 2 could not be added.')).toBeVisible();
  const failedFiles = page.getByRole('region', { name: '2 files could not be added' });
  for (const { name } of bad) {
    const entry = failedFiles.getByRole('listitem').filter({ hasText: name });
    await expect(entry).toHaveText(new RegExp(`^${name}\\s+\\S+(\\s+\\S+){2,}`));
  }
  // "Clear finished" does not remove failed files.
  await page.getByRole('button', { name: 'Clear finished' }).click();
  await expect(page.getByTestId('tile')).toHaveCount(2);
  await expect(failedFiles).toBeVisible();
  await page.getByRole('button', { name: 'Clear failed' }).click();
  await expect(page.getByTestId('tile')).toHaveCount(0);
});

test('all failed uploads are retried with one button', async ({ page }) => {
  let refuse = true;
  await page.route('**/api/upload', (route) =>
    refuse
      ? route.fulfill({ status: 403, json: { error: 'Not from there.', code: 'forbidden_origin' } })
      : route.continue(),
  );
  await openUpload(page, 'sync');
  await choose(page, photos(4, 'all-again'));
  await expect(progress(page).getByText('0 photos finished, 4 could not be added.')).toBeVisible();
  refuse = false;
  await page.getByRole('button', { name: 'Try all 4 again' }).click();
  await expect(progress(page).getByText('4 photos finished.')).toBeVisible();
});
