import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

import { choose, corrupt, expectLoaded, named, openUpload, photos, progress, reveal, tile } from './site';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

async function expectAccessible(page: Page): Promise<void> {
  // Fading in is over before colours are judged.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null))),
  );
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  expect(violations.map(({ id, nodes }) => ({ id, targets: nodes.map((node) => node.html) }))).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [390, 1280]) {
    test(`every view keeps WCAG 2.2 AA in ${colorScheme} at ${width} px`, async ({ browser }) => {
      const context = await browser.newContext({
        colorScheme,
        reducedMotion: 'reduce',
        viewport: { width, height: 844 },
      });
      const page = await context.newPage();
      const prefix = `seen-${colorScheme}-${width}`;
      await openUpload(page, 'batch');
      await expectAccessible(page);
      const pdf = { name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF') };
      await choose(page, [...photos(3, prefix), corrupt(`half-${prefix}.jpg`), pdf]);
      await expect(progress(page).getByText('3 photos finished, 1 failed, 1 not taken.')).toBeVisible();
      await expectLoaded((await reveal(page, named(prefix, 3))).getByRole('img'));
      await expectAccessible(page);
      await page.getByRole('link', { name: 'See this batch' }).click();
      await expect(page.getByRole('heading', { name: /^Batch of/ })).toBeVisible();
      await expectLoaded(page.getByAltText(named(prefix, 1)));
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Gallery', exact: true }).click();
      await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
      await expectLoaded(page.getByAltText(named(prefix, 1)));
      await expectAccessible(page);
      await page.getByAltText(named(prefix, 1)).click();
      await expectLoaded(page.getByRole('article').getByRole('img'));
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Delete' }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await expectAccessible(page);
      await context.close();
    });
  }
}

test('nothing is wider than a screen of 320 px', async ({ browser }) => {
  const page = await browser.newPage({ viewport: { width: 320, height: 640 } });
  await openUpload(page, 'batch');
  await choose(page, photos(3, 'narrow'));
  await expect(progress(page).getByText('3 photos finished.')).toBeVisible();
  for (const path of ['', '/gallery']) {
    if (path !== '') await page.goto(path);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(320);
  }
  await page.close();
});

test('the keyboard alone chooses a mode and opens a picture', async ({ page }) => {
  await openUpload(page, 'batch');
  await choose(page, photos(1, 'keys'));
  await expect(tile(page, named('keys', 1))).toHaveAttribute('data-kind', 'finished');
  await page.locator('input[value=batch]').focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('input[value=async]')).toBeChecked();
  await tile(page, named('keys', 1)).getByRole('link').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: named('keys', 1) })).toBeVisible();
});
