import { expect, test } from '@playwright/test';

import { expectLoaded, part, photos, picture, uploadAll } from './site';

test('arrow keys walk through the pictures, and Escape leads back to where they began', async ({ page }) => {
  await uploadAll(page, 'batch', photos(3, 'walked'));
  await page.goto(`/gallery?q=${part('walked')}`);
  // Newest first, so the order on the sheet is the order of the walk.
  await expect(page.getByTestId('picture')).toHaveCount(3);
  const names = await page
    .getByTestId('picture')
    .getByRole('img')
    .evaluateAll((all) => all.map((image) => image.getAttribute('alt') ?? ''));
  const [first = '', second = '', third = ''] = names;
  await picture(page, first).focus();
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
  await expect(page.getByTestId('picture')).toHaveCount(3);
});

test('a picture opened by its address has its neighbours too', async ({ page, request }) => {
  await uploadAll(page, 'batch', photos(2, 'addressed'));
  const listed = await request.get(`/api/list?q=${part('addressed')}`);
  const [newest, next] = (await listed.json()) as { id: string; name: string }[];
  await page.goto(`/images/${newest?.id ?? ''}`);
  await expect(page.getByRole('heading', { name: newest?.name ?? '' })).toBeVisible();
  // The list it hangs in comes after the picture.
  await expect(page.getByRole('link', { name: `Next: ${next?.name ?? ''}` })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(new RegExp(`/images/${next?.id ?? ''}$`));
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
});
