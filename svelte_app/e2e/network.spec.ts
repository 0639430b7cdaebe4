import { expect, test, type Page } from '@playwright/test';

import { choose, listImages, openUpload, photos, progress, summaryOf, type Upload } from './site';
import { Relay } from './network-relay';

// Tall enough to render every tile, including a waiting one.
test.use({ viewport: { width: 1280, height: 3000 } });

let relay: Relay;
test.beforeEach(async ({ baseURL }) => {
  relay = await Relay.to(baseURL ?? '');
});
test.afterEach(() => relay.cut());

const bytesOf = (files: Upload[]): number => files.reduce((sum, { buffer }) => sum + buffer.length, 0);

/** Expects that the server has every file exactly once, completed. */
async function expectOnce(page: Page, files: Upload[], prefix: string): Promise<void> {
  const images = await listImages(page, prefix);
  expect(images.map(({ name }) => name).sort()).toEqual(files.map(({ name }) => name).sort());
  expect(images.every(({ status }) => status === 'completed')).toBe(true);
}

async function expectInterrupted(page: Page): Promise<void> {
  await expect(page.getByText('Reconnecting', { exact: true })).toBeVisible();
  await expect(page.getByText('Trying again soon').first()).toBeVisible();
}

test('a network loss during an upload neither loses nor duplicates a file', async ({ page }) => {
  const files = photos(40, 'severed');
  await openUpload(page, 'async', relay.url);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  // Slow enough that several requests are running at both network losses.
  relay.rate = bytesOf(files) / 12;
  const firstCut = relay.cutAfter(bytesOf(files) / 4);
  await choose(page, files);
  await firstCut;
  await expectInterrupted(page);
  const secondCut = relay.cutAfter(bytesOf(files) / 4);
  await relay.restore();
  await secondCut;
  await expectInterrupted(page);
  relay.rate = Infinity;
  await relay.restore();
  await expect(progress(page).getByText(summaryOf(40))).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await expectOnce(page, files, 'severed');
});

test('a lost response causes no duplicate image', async ({ page }) => {
  const files = photos(8, 'unheard');
  await openUpload(page, 'batch', relay.url);
  let lost = 0;
  relay.cutsOn = (response) => {
    const accepted = response.subarray(0, 12).toString() === 'HTTP/1.1 202';
    if (accepted) lost += 1;
    return accepted && lost === 1;
  };
  await choose(page, files);
  await expect(page.getByText('Trying again soon').first()).toBeVisible();
  await relay.restore();
  await expect(progress(page).getByText(summaryOf(8))).toBeVisible({ timeout: 60_000 });
  expect(lost).toBe(2);
  await expectOnce(page, files, 'unheard');
});

test('leaving the page during an upload shows a warning, leaving it afterwards does not', async ({
  page,
}) => {
  // A large photo, because the relay forwards a small file in one piece at any bandwidth.
  const files = photos(1, 'leaving', { large: true });
  await openUpload(page, 'sync', relay.url);
  // The upload takes 40 s, longer than the steps below.
  relay.rate = bytesOf(files) / 40;
  await choose(page, files);
  await relay.afterBytes(bytesOf(files) / 40);
  // Browsers show the warning only after a user interaction.
  await page.getByRole('heading', { name: 'Drop your photos anywhere' }).click();
  const warned = page.waitForEvent('dialog');
  void page.close({ runBeforeUnload: true });
  const dialog = await warned;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.dismiss();
  relay.rate = Infinity;
  await expect(progress(page).getByText(summaryOf(1))).toBeVisible();
  expect((await listImages(page, 'leaving')).length).toBe(1);
  await page.close({ runBeforeUnload: true });
  await expect.poll(() => page.isClosed()).toBe(true);
});
