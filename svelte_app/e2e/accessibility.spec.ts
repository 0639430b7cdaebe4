import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

import {
  choose,
  corrupt,
  expectLoaded,
  nameOf,
  openUpload,
  prefixOf,
  photos,
  progress,
  reveal,
  tile,
} from './site';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

async function expectAccessible(page: Page): Promise<void> {
  // Colour contrast is checked after all animations have ended.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
  );
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  expect(violations.map(({ id, nodes }) => ({ id, targets: nodes.map((node) => node.html) }))).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [390, 1280]) {
    test(`every view meets WCAG 2.2 AA in ${colorScheme} mode at ${width} px`, async ({ browser }) => {
      const context = await browser.newContext({
        colorScheme,
        reducedMotion: 'reduce',
        viewport: { width, height: 844 },
      });
      const page = await context.newPage();
      const prefix = `wcag-${colorScheme}-${width}`;
      await openUpload(page, 'batch');
      await expectAccessible(page);
      const pdf = { name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF') };
      await choose(page, [...photos(3, prefix), corrupt(nameOf(prefix, 9)), pdf]);
      await expect(progress(page).getByText('3 photos finished, 2 could not be added.')).toBeVisible();
      await expectLoaded((await reveal(page, nameOf(prefix, 3))).getByRole('img'));
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Show this upload' }).click();
      await expect(page.getByRole('heading', { name: /^Upload of/ })).toBeVisible();
      await expectLoaded(page.getByAltText(nameOf(prefix, 1)));
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Gallery', exact: true }).click();
      await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
      await page.getByLabel('Name contains').fill(prefixOf(prefix));
      // A new filter ends the selection, so the spec waits for the filtered URL. The count of images does not show that the
      // filter is applied: on an empty site it is 4 before too.
      await expect(page).toHaveURL(/q=/);
      await expect(page.getByTestId('image')).toHaveCount(4);
      await expectLoaded(page.getByAltText(nameOf(prefix, 1)));
      await page.getByText('Earlier uploads').click();
      await expect(page.getByRole('link', { name: /4 photos/ }).first()).toBeVisible();
      await page.getByRole('button', { name: 'Select', exact: true }).click();
      await page.getByRole('checkbox', { name: nameOf(prefix, 1) }).click();
      await expect(page.getByText('1 photo selected')).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByAltText(nameOf(prefix, 1)).click();
      await expectLoaded(page.getByRole('article').getByRole('img'));
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Delete' }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await expectAccessible(page);
      await context.close();
    });
  }
}

test('no view is wider than 320 px on a screen of 320 px', async ({ browser }) => {
  const page = await browser.newPage({ viewport: { width: 320, height: 640 } });
  const expectNarrow = async (): Promise<void> => {
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width, page.url()).toBeLessThanOrEqual(320);
  };
  await openUpload(page, 'batch');
  await expectNarrow();
  const bad = corrupt(`a-name-without-any-place-to-break-${'x'.repeat(60)}.jpg`);
  await choose(page, [...photos(3, 'narrow'), bad]);
  await expect(progress(page).getByText('3 photos finished, 1 could not be added.')).toBeVisible();
  await expectNarrow();
  await page.getByRole('link', { name: 'Show this upload' }).click();
  await expect(page.getByRole('heading', { name: 'Upload of 4 photos' })).toBeVisible();
  await expectNarrow();
  await page.getByRole('link', { name: 'Gallery', exact: true }).click();
  await expect(page.getByAltText(nameOf('narrow', 1))).toBeVisible();
  await page.getByText('Earlier uploads').click();
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await expectNarrow();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByTestId('image').filter({ hasText: bad.name }).click();
  await expect(page.getByRole('heading', { name: bad.name })).toBeVisible();
  await expectNarrow();
  await page.close();
});

test('photos are uploaded, viewed, selected and deleted with the keyboard alone', async ({ page }) => {
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  /** Presses Tab until an element with this name has the focus. */
  const tabTo = async (name: RegExp): Promise<void> => {
    await expect
      .poll(
        async () => {
          await press('Tab');
          return page.evaluate(() => {
            const focused = document.activeElement;
            // Without this condition, a focused region would match because of the text inside it.
            if (!focused?.matches('a, button, input, select, summary')) return '';
            const input = focused instanceof HTMLInputElement ? focused.value : '';
            return `${focused.getAttribute('aria-label') ?? ''} ${focused.textContent} ${input}`;
          });
        },
        { intervals: [0] },
      )
      .toMatch(name);
  };
  // Registered early: Playwright configures the browser to report file choosers in the background.
  const fileChooser = page.waitForEvent('filechooser');
  await page.goto('/');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await tabTo(/Skip to content/);
  await tabTo(/Choose photos/);
  await press('Enter');
  await (await fileChooser).setFiles(photos(2, 'keys'));
  await expect(progress(page).getByText('2 photos finished.')).toBeVisible();
  await tabTo(/Options/);
  await press('Enter');
  await tabTo(/ batch$/);
  await press('ArrowDown');
  await expect(page.locator('input[value=async]')).toBeChecked();
  await tabTo(new RegExp(`${nameOf('keys', 1)}, open`));
  await press('Enter');
  await expect(page.getByRole('heading', { name: nameOf('keys', 1) })).toBeFocused();
  await press('Escape');
  await expect(tile(page, nameOf('keys', 1))).toBeVisible();
  await page.goto(`/gallery?q=${prefixOf('keys')}`);
  await expect(page.getByTestId('image')).toHaveCount(2);
  await tabTo(/Select/);
  await press('Enter');
  await tabTo(new RegExp(nameOf('keys', 2)));
  await press(' ');
  await expect(page.getByText('1 photo selected')).toBeVisible();
  await tabTo(/^\s*Delete/);
  await press('Enter');
  await expect(page.getByRole('dialog', { name: 'Delete 1 photo?' })).toBeVisible();
  await tabTo(/Delete 1/);
  await press('Enter');
  await expect(page.getByTestId('image')).toHaveCount(1);
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeFocused();
});
