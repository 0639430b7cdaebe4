import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@playwright/test';

import {
  drop,
  listImages,
  nameOf,
  newFolder,
  writeFiles,
  openUpload,
  photos,
  progress,
  summaryOf,
  tile,
  tiny,
} from './site';

test('all files of a dropped folder are uploaded, with subfolders and beyond the first 100', async ({
  page,
}) => {
  const folder = newFolder();
  const below = join(folder, 'below', 'further');
  mkdirSync(below, { recursive: true });
  writeFiles(tiny(130, 'above'), folder);
  writeFiles(tiny(3, 'beneath'), below);
  writeFiles([{ name: '.DS_Store', mimeType: '', buffer: Buffer.from('x') }], folder);
  await openUpload(page, 'batch');
  await drop(page, [folder]);
  await expect(progress(page).getByText(summaryOf(133))).toBeVisible({ timeout: 60_000 });
  expect((await listImages(page, 'above')).length).toBe(130);
  expect((await listImages(page, 'beneath')).length).toBe(3);
});

test('a chosen folder is uploaded with its subfolders', async ({ page }) => {
  const folder = newFolder();
  mkdirSync(join(folder, 'below'));
  writeFiles(tiny(2, 'chosen'), folder);
  writeFiles(tiny(2, 'chosenbelow'), join(folder, 'below'));
  await openUpload(page, 'batch');
  const fileChooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a folder' }).click();
  await (await fileChooser).setFiles(folder);
  await expect(progress(page).getByText(summaryOf(4))).toBeVisible();
});

test('a pasted image is uploaded from any view', async ({ page }) => {
  await page.goto('/gallery');
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
  const [photo] = photos(1, 'pasted');
  await page.evaluate(
    ({ name, text }) => {
      const clipboardData = new DataTransfer();
      const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      clipboardData.items.add(new File([bytes], name, { type: 'image/jpeg' }));
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
    },
    { name: nameOf('pasted', 1), text: photo?.buffer.toString('base64') ?? '' },
  );
  await expect(tile(page, nameOf('pasted', 1))).toHaveAttribute('data-kind', 'finished');
});

test('a phone offers its photo library, and the page works on a slow processor', async ({ browser }) => {
  const page = await browser.newPage({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 3,
  });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.goto('/');
  // With `capture` the phone would open only the camera. Phones cannot choose folders.
  await expect(page.getByLabel('Photos', { exact: true })).toHaveAttribute('accept', 'image/*');
  await expect(page.locator('input[capture]')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Choose a folder' })).toHaveCount(0);
  const fileChooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose photos' }).tap();
  await (await fileChooser).setFiles(photos(12, 'phone'));
  await expect(progress(page).getByText(summaryOf(12))).toBeVisible({ timeout: 60_000 });
  await page.getByRole('link', { name: `${nameOf('phone', 1)}, open` }).tap();
  await expect(page.getByRole('heading', { name: nameOf('phone', 1) })).toBeVisible();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  await page.close();
});
