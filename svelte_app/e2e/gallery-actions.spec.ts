import { expect, test, type Page } from '@playwright/test';

import {
  choose,
  corrupt,
  expectLoaded,
  listImages,
  nameOf,
  openUpload,
  prefixOf,
  photos,
  gridImage,
  progress,
  uploadAll,
} from './site';

const search = (page: Page, text: string): Promise<void> => page.getByLabel('Name contains').fill(text);
const images = (page: Page): ReturnType<Page['getByTestId']> => page.getByTestId('image');

test('the gallery is filtered by name, status and batch, and its URL contains the filter', async ({
  page,
}) => {
  const bad = corrupt(nameOf('filtered', 9));
  await openUpload(page, 'batch');
  await choose(page, [...photos(3, 'filtered'), bad]);
  await expect(progress(page).getByText('3 photos finished, 1 could not be added.')).toBeVisible();
  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await search(page, prefixOf('filtered'));
  await expect(page).toHaveURL(/\/gallery\?q=filtered-\w+-$/);
  await expect(images(page)).toHaveCount(4);
  await page.getByLabel('Status').selectOption('Failed');
  await expect(page).toHaveURL(/status=error/);
  await expect(images(page)).toHaveCount(1);
  await expect(images(page)).toContainText(bad.name);

  // A reload restores the filter from the URL. "Back" undoes one step.
  await page.reload();
  await expect(images(page)).toHaveCount(1);
  await expect(page.getByLabel('Name contains')).toHaveValue(prefixOf('filtered'));
  await page.goBack();
  await expect(images(page)).toHaveCount(4);
  await expect(page.getByLabel('Status')).toHaveValue('');

  await gridImage(page, nameOf('filtered', 1)).click();
  await page.getByRole('link', { name: 'Show this upload' }).click();
  await page.getByRole('link', { name: '3 finished' }).click();
  await expect(page).toHaveURL(/status=completed&batch=/);
  await expect(images(page)).toHaveCount(3);
  await search(page, 'nothing is called this');
  await expect(page.getByText('No photos match.')).toBeVisible();
  await page.getByRole('link', { name: 'Show all photos', exact: true }).click();
  await expect(page).toHaveURL(/\/gallery$/);
  await expectLoaded(page.getByAltText(nameOf('filtered', 1)));
});

test('several images are selected and deleted at once', async ({ page, context }) => {
  await uploadAll(page, 'batch', photos(5, 'selected'));
  await page.goto(`/gallery?q=${prefixOf('selected')}`);
  await expect(images(page)).toHaveCount(5);
  const other = await context.newPage();
  await other.goto(`/gallery?q=${prefixOf('selected')}`);
  await expect(other.getByText('Live', { exact: true })).toBeVisible();
  await expect(images(other)).toHaveCount(5);
  // A page in the background renders one frame per second, so clicks are slow there.
  await page.bringToFront();
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  const boxes = page.getByRole('checkbox');
  await boxes.nth(0).click();
  await boxes.nth(2).click({ modifiers: ['Shift'] });
  await expect(page.getByText('3 photos selected')).toBeVisible();
  await boxes.nth(1).click();
  await expect(page.getByText('2 photos selected')).toBeVisible();
  const names = await Promise.all([0, 2].map((at) => boxes.nth(at).getAttribute('aria-label')));
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete 2 photos?' });
  await dialog.getByRole('button', { name: 'Delete 2' }).click();
  await expect(images(page)).toHaveCount(3);
  await expect(images(other)).toHaveCount(3);
  const left = (await listImages(page, 'selected')).map(({ name }) => name);
  expect(left.length).toBe(3);
  expect(left).not.toEqual(expect.arrayContaining(names));
});

test('failed images are selected and retried', async ({ page }) => {
  const bad = corrupt(nameOf('retried', 9));
  await openUpload(page, 'batch');
  await choose(page, [...photos(1, 'retried'), bad]);
  await expect(progress(page).getByText('1 photo finished, 1 could not be added.')).toBeVisible();
  await page.goto(`/gallery?q=${prefixOf('retried')}`);
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await page.getByRole('button', { name: 'Select all 2' }).click();
  await expect(page.getByText('2 photos selected')).toBeVisible();
  const retryResponse = page.waitForResponse(/\/retry$/);
  await page.getByRole('button', { name: 'Try 1 again' }).click();
  expect((await retryResponse).status()).toBe(202);
  await expect(page.getByRole('button', { name: 'Select', exact: true })).toBeVisible();
  // The file is still corrupt.
  await expect(images(page).filter({ hasText: bad.name })).toContainText('Failed');
});

test('an earlier batch is opened, retried and deleted', async ({ page }) => {
  await openUpload(page, 'batch');
  await choose(page, [...photos(2, 'earlier'), corrupt(nameOf('earlier', 9))]);
  await expect(progress(page).getByText('2 photos finished, 1 could not be added.')).toBeVisible();
  await page.goto('/gallery');
  await page.getByText('Earlier uploads').click();
  await page
    .getByRole('link', { name: /3 photos, 1 failed$/ })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: 'Upload of 3 photos' })).toBeVisible();
  const retryResponse = page.waitForResponse(/\/retry$/);
  await page.getByRole('button', { name: 'Try 1 again' }).click();
  expect((await retryResponse).status()).toBe(202);
  await expect(page.getByRole('link', { name: '1 failed' })).toBeVisible();
  const address = page.url();
  await page.getByRole('button', { name: 'Delete this upload' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
  expect(await listImages(page, 'earlier')).toEqual([]);
  await page.goto(address);
  await expect(page.getByRole('alert')).toBeVisible();
});

test('a second device follows a running batch by its copied link', async ({ page, browser, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const last = nameOf('followed', 60);
  // The request with the last ten files, which may be sent first, is held until the second device is connected.
  await page.route('**/api/async/batch/upload*', async (route) => {
    if (route.request().postDataBuffer()?.includes(last)) await held;
    await route.continue();
  });
  await openUpload(page, 'batch');
  await choose(page, photos(60, 'followed'));
  await page.getByRole('link', { name: 'Show this upload' }).click();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await (await browser.newContext()).newPage();
  await other.goto(link);
  await expect(other.getByRole('heading', { name: 'Upload of 50 photos' })).toBeVisible();
  await expect(other.getByText('Live', { exact: true })).toBeVisible();
  release();
  await expect(other.getByRole('heading', { name: 'Upload of 60 photos' })).toBeVisible();
  await expect(other.getByRole('link', { name: '60 finished' })).toBeVisible();
  await expectLoaded(other.getByAltText(last));
  await other.context().close();
});
