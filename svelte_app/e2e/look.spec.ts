import { expect, test } from '@playwright/test';

import { expectLoaded, named, part, photos, picture, uploadAll } from './site';

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

test('a picture whose file is gone is asked for again by the app’s own route, three times', async ({
  page,
}) => {
  await uploadAll(page, 'sync', photos(1, 'vanished'));
  const asked: string[] = [];
  await page.route('**/media/**', (route) => route.fulfill({ status: 404 }));
  await page.route('**/api/thumbnails/**', (route) => {
    asked.push(new URL(route.request().url()).searchParams.get('label') ?? '');
    if (asked.length < 3) return route.fulfill({ status: 503 });
    return route.fulfill({ contentType: 'image/jpeg', body: photos(1, 'healed')[0]?.buffer ?? '' });
  });
  await page.goto(`/gallery?q=${part('vanished')}`);
  // Between two attempts there is no picture to look at.
  await expect.poll(() => asked.length).toBe(3);
  await expectLoaded(page.getByAltText(named('vanished', 1)));
  expect(['small', 'medium', 'large']).toContain(asked[0]);
});

test('a picture of unknown size has a square kept for it', async ({ page }) => {
  await uploadAll(page, 'sync', photos(1, 'unmeasured'));
  await page.route('**/api/list?**', async (route) => {
    const response = await route.fetch();
    const images = (await response.json()) as object[];
    await route.fulfill({ response, json: images.map((image) => ({ ...image, width: null, height: null })) });
  });
  await page.goto(`/gallery?q=${part('unmeasured')}`);
  await expectLoaded(page.getByAltText(named('unmeasured', 1)));
  const box = await picture(page, named('unmeasured', 1)).boundingBox();
  expect(Math.abs((box?.width ?? 0) - (box?.height ?? 1))).toBeLessThan(1);
});

test('colours are turned by hand, and stay so after a reload', async ({ browser }) => {
  const page = await browser.newPage({ colorScheme: 'light' });
  await page.goto('/');
  const ground = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: 'Colours: as the system has it' }).click();
  expect(await ground()).toBe(light);
  await page.getByRole('button', { name: 'Colours: light' }).click();
  await expect(page.getByRole('button', { name: 'Colours: dark' })).toBeVisible();
  expect(await ground()).not.toBe(light);
  await page.reload();
  expect(await ground()).not.toBe(light);
  await page.getByRole('button', { name: 'Colours: dark' }).click();
  expect(await ground()).toBe(light);
  await page.close();
});

test('the first view loads without a jump, a blocking script or a request to anyone else', async ({
  page,
}) => {
  await page.addInitScript(() => {
    const seen = { shift: 0, largest: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shift += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.largest = entry.startTime;
    }).observe({ type: 'largest-contentful-paint', buffered: true });
  });
  const hosts = new Set<string>();
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await page.goto('/');
  await expect(page.getByText(/^Files, whole folders.*each\.$/)).toBeVisible();
  const blocking = await page.evaluate(() =>
    [...document.scripts].filter((script) => script.type !== 'module' && !script.defer && !script.async),
  );
  expect(blocking).toEqual([]);
  expect([...hosts]).toEqual([new URL(page.url()).host]);
  const seen = (): Promise<{ shift: number; largest: number }> =>
    page.evaluate(() => (window as unknown as { seen: { shift: number; largest: number } }).seen);
  // Told by the browser when it has time to, some moments after the paint.
  await expect.poll(async () => (await seen()).largest).toBeGreaterThan(0);
  const { shift, largest } = await seen();
  expect(shift).toBeLessThan(0.01);
  expect(largest).toBeLessThan(2_500);
});
