import { expect, test } from '@playwright/test';

import { expectLoaded, nameOf, photos, gridImage, uploadAll } from './site';

test('the gallery shows the photos after a reload', async ({ page }) => {
  await uploadAll(page, 'batch', photos(3, 'kept'));
  await page.goto('/gallery');
  await page.reload();
  for (const at of [1, 2, 3]) await expectLoaded(page.getByAltText(nameOf('kept', at)));
});

test('a photo uploaded in another tab appears first without a reload', async ({ page, context }) => {
  await page.goto('/gallery');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await uploadAll(await context.newPage(), 'sync', photos(1, 'elsewhere'));
  await page.bringToFront();
  await expect(page.getByTestId('image').first().getByRole('img')).toHaveAttribute(
    'alt',
    nameOf('elsewhere', 1),
  );
});

test('an image has its own URL, details and a back button', async ({ page }) => {
  await uploadAll(page, 'sync', photos(1, 'shown'));
  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await gridImage(page, nameOf('shown', 1)).click();
  await expect(page).toHaveURL(/\/images\/[0-9a-f-]{36}$/);
  await expect(page.getByRole('heading', { name: nameOf('shown', 1) })).toBeVisible();
  await expect(page).toHaveTitle(new RegExp(nameOf('shown', 1)));
  await expect(page.getByTestId('status')).toHaveText('Finished');
  await expect(page.getByText(/^\d+ × \d+$/)).toBeVisible();
  await expectLoaded(page.getByRole('article').getByRole('img'));
  for (const name of ['Original', /^small/, /^medium/, /^large/]) {
    const href = await page.getByRole('article').getByRole('link', { name }).getAttribute('href');
    const response = await page.request.get(href ?? '');
    expect(response.headers()['content-type']).toMatch(/^image\//);
  }

  const address = page.url();
  await page.goBack();
  await expect(page).toHaveURL(/\/gallery$/);
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();

  await page.goto(address);
  await expect(page.getByRole('heading', { name: nameOf('shown', 1) })).toBeVisible();
  await page.getByRole('button', { name: 'Back' }).click();
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
});

test('a deleted image disappears from the gallery and from its URL', async ({ page }) => {
  await uploadAll(page, 'sync', photos(1, 'deleted'));
  await page.getByRole('link', { name: `${nameOf('deleted', 1)}, open` }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete this photo?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  const address = page.url();
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page).not.toHaveURL(address);
  await page.goto('/gallery');
  await expect(page.getByTestId('image').or(page.getByText('No photos yet.')).first()).toBeVisible();
  await expect(page.getByAltText(nameOf('deleted', 1))).toHaveCount(0);
  await page.goto(address);
  await expect(page.getByRole('alert')).toBeVisible();
});

test('a batch has a URL that works on another device', async ({ page, browser }) => {
  await uploadAll(page, 'batch', photos(4, 'together'));
  await page.getByRole('link', { name: 'Show this upload' }).click();
  await expect(page).toHaveURL(/\/batches\/[0-9a-f-]{36}$/);
  const other = await browser.newPage();
  await other.goto(page.url());
  await expect(other.getByRole('heading', { name: 'Upload of 4 photos' })).toBeVisible();
  await expect(other.getByText('4 finished')).toBeVisible();
  await expectLoaded(other.getByAltText(nameOf('together', 4)));
  await other.close();
});

test('the gallery has no layout shift while images and pages load', async ({ page }) => {
  await uploadAll(page, 'batch', photos(70, 'still'));
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto('/gallery');
  await expectLoaded(page.getByAltText(nameOf('still', 70)));
  // Scrolls beyond the first page of 60 images in small steps.
  for (let turn = 0; turn < 25; turn += 1) {
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(60);
  }
  await expectLoaded(page.getByAltText(nameOf('still', 1)));
  const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
  expect(shifts.reduce((sum, shift) => sum + shift, 0)).toBeLessThan(0.01);
});
