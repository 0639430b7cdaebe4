import { expect, test } from '@playwright/test';

import { OwnSite } from './own-site';
import { choose, photos, progress, summaryOf, tile, nameOf } from './site';

const TOKEN = 'a secret; with spaces, 🔑 and +';
const site = new OwnSite({ API_TOKEN: TOKEN });
test.beforeAll(async () => {
  test.setTimeout(120_000);
  await site.start();
});
test.afterAll(() => site.end());

test('the access token is asked for once and then used for uploads, changes and live events', async ({
  page,
}) => {
  await page.goto(site.url);
  const dialog = page.getByRole('dialog', { name: 'Enter the access token' });
  await dialog.getByLabel('Access token').fill('wrong');
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await expect(dialog.getByText('This token is not correct.')).toBeVisible();

  // Viewing needs no token. An upload opens the dialog again.
  await dialog.getByRole('button', { name: 'Not now' }).click();
  await expect(page.getByText('Access token needed')).toBeVisible();
  await choose(page, photos(3, 'guarded'));
  await dialog.getByLabel('Access token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await expect(progress(page).getByText(summaryOf(3))).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();

  await page.reload();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.goto(`${site.url}/gallery`);
  await page.getByAltText(nameOf('guarded', 1)).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
  await expect(page.getByAltText(nameOf('guarded', 1))).toHaveCount(0);
  await expect(dialog).toBeHidden();
});

test('an upload that failed without the token can be retried with it', async ({ page }) => {
  await page.goto(site.url);
  const dialog = page.getByRole('dialog', { name: 'Enter the access token' });
  await dialog.getByRole('button', { name: 'Not now' }).click();
  await page.getByText('Options', { exact: true }).click();
  await page.locator('input[value=sync]').check();
  await choose(page, photos(1, 'late'));
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(tile(page, nameOf('late', 1))).toHaveAttribute('data-kind', 'failed');
  await page.getByRole('button', { name: `Try again: ${nameOf('late', 1)}` }).click();
  await dialog.getByLabel('Access token').fill(TOKEN);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await expect(tile(page, nameOf('late', 1))).toHaveAttribute('data-kind', 'finished');
});
