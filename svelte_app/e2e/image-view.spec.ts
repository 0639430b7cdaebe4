import { expect, test } from '@playwright/test';

import { expectLoaded, prefixOf, photos, gridImage, uploadAll } from './site';

test('arrow keys show the next and previous image, and Escape returns to the gallery', async ({ page }) => {
  await uploadAll(page, 'batch', photos(3, 'walked'));
  await page.goto(`/gallery?q=${prefixOf('walked')}`);
  // The gallery's order is the order of the arrow keys.
  await expect(page.getByTestId('image')).toHaveCount(3);
  const names = await page
    .getByTestId('image')
    .getByRole('img')
    .evaluateAll((all) => all.map((image) => image.getAttribute('alt') ?? ''));
  const [first = '', second = '', third = ''] = names;
  await gridImage(page, first).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: first })).toBeFocused();
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('heading', { name: first })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('heading', { name: second })).toBeFocused();
  await expectLoaded(page.getByRole('article').getByRole('img'));
  await page.getByRole('link', { name: `Next: ${third}` }).click();
  await expect(page.getByRole('heading', { name: third })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('heading', { name: second })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/\/gallery\?q=walked-/);
  await expect(page.getByTestId('image')).toHaveCount(3);
});

test('an image opened by its URL has a previous and a next image', async ({ page, request }) => {
  await uploadAll(page, 'batch', photos(2, 'addressed'));
  const response = await request.get(`/api/list?q=${prefixOf('addressed')}`);
  const [newest, next] = (await response.json()) as { id: string; name: string }[];
  await page.goto(`/images/${newest?.id ?? ''}`);
  await expect(page.getByRole('heading', { name: newest?.name ?? '' })).toBeVisible();
  // The list loads after the image.
  await expect(page.getByRole('link', { name: `Next: ${next?.name ?? ''}` })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(new RegExp(`/images/${next?.id ?? ''}$`));
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
});
