/** Thumbnails are loaded from storage. The app responds only to requests for missing ones. */
import { expect, test, type Page } from '@playwright/test';

import { expectLoaded, nameOf, prefixOf, photos, gridImage, uploadAll } from './site';

/** Collects the URLs of the image requests from now on. */
function imageRequests(page: Page): URL[] {
  const urls: URL[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'image') urls.push(new URL(request.url()));
  });
  return urls;
}

test('a gallery of 40 existing thumbnails requests none from the app', async ({ page }) => {
  await uploadAll(page, 'batch', photos(40, 'existing'));
  const urls = imageRequests(page);
  await page.goto('/gallery');
  for (let at = 40; at >= 1; at -= 1) await expectLoaded(page.getByAltText(nameOf('existing', at)));
  const stored = urls.filter(({ pathname }) => pathname.startsWith('/media/'));
  expect(new Set(stored.map(({ pathname }) => pathname)).size).toBeGreaterThanOrEqual(40);
  expect(urls.filter(({ pathname }) => pathname.startsWith('/api/'))).toEqual([]);
});

test('a gallery opened again loads its thumbnails from the browser cache', async ({ page }) => {
  await uploadAll(page, 'batch', photos(6, 'again'));
  await page.goto('/gallery');
  for (let at = 6; at >= 1; at -= 1) await expectLoaded(page.getByAltText(nameOf('again', at)));
  await page.getByRole('link', { name: 'Upload', exact: true }).click();
  await page.goto('/gallery');
  for (let at = 6; at >= 1; at -= 1) await expectLoaded(page.getByAltText(nameOf('again', at)));
  // A cached response has a transfer size of 0.
  const transferred = await page.evaluate(
    (names) => {
      const shown = names.map(
        (name) => document.querySelector<HTMLImageElement>(`img[alt="${name}"]`)?.currentSrc,
      );
      return (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => shown.includes(name))
        .map(({ transferSize }) => transferSize);
    },
    [1, 2, 3, 4, 5, 6].map((at) => nameOf('again', at)),
  );
  expect(transferred).toEqual([0, 0, 0, 0, 0, 0]);
});

test('a missing thumbnail is requested from the API up to three times', async ({ page }) => {
  await uploadAll(page, 'sync', photos(1, 'vanished'));
  const labels: string[] = [];
  await page.route('**/media/**', (route) => route.fulfill({ status: 404 }));
  await page.route('**/api/thumbnails/**', (route) => {
    labels.push(new URL(route.request().url()).searchParams.get('label') ?? '');
    if (labels.length < 3) return route.fulfill({ status: 503 });
    return route.fulfill({ contentType: 'image/jpeg', body: photos(1, 'healed')[0]?.buffer ?? '' });
  });
  await page.goto(`/gallery?q=${prefixOf('vanished')}`);
  // There is no <img> element between two attempts.
  await expect.poll(() => labels.length).toBe(3);
  await expectLoaded(page.getByAltText(nameOf('vanished', 1)));
  expect(['small', 'medium', 'large']).toContain(labels[0]);
});

test('a photo whose files are gone is called unavailable and shows no broken image', async ({ page }) => {
  await uploadAll(page, 'sync', photos(1, 'gone'));
  await page.route(/\/(media|api\/thumbnails)\//, (route) => route.fulfill({ status: 404 }));
  await page.goto(`/gallery?q=${prefixOf('gone')}`);
  const cell = page.getByTestId('image');
  await expect(cell).toHaveText('Photo unavailable');
  await expect(cell.locator('img')).toHaveCount(0);
  await cell.click();
  await expect(page.getByRole('heading', { name: nameOf('gone', 1) })).toBeVisible();
  await expect(page.getByText('Photo unavailable')).toBeVisible();
  await page.unrouteAll({ behavior: 'wait' });
});

test('an image of unknown dimensions is shown in a square', async ({ page }) => {
  await uploadAll(page, 'sync', photos(1, 'unmeasured'));
  await page.route('**/api/list?**', async (route) => {
    const response = await route.fetch();
    const images = (await response.json()) as object[];
    await route.fulfill({ response, json: images.map((image) => ({ ...image, width: null, height: null })) });
  });
  await page.goto(`/gallery?q=${prefixOf('unmeasured')}`);
  await expectLoaded(page.getByAltText(nameOf('unmeasured', 1)));
  const box = await gridImage(page, nameOf('unmeasured', 1)).boundingBox();
  expect(Math.abs((box?.width ?? 0) - (box?.height ?? 1))).toBeLessThan(1);
  // The page may be requesting the list again: a handler that still runs at the end would fail the test.
  await page.unrouteAll({ behavior: 'wait' });
});

test('thumbnails of a newly registered archive are generated when the gallery is opened @archive', async ({
  page,
}) => {
  const urls = imageRequests(page);
  await page.goto('/gallery');
  const images = page.getByTestId('image');
  await expect(images.first()).toBeVisible();
  const names = await images.evaluateAll((links) =>
    links.slice(0, 24).map((link) => link.querySelector('img')?.alt ?? ''),
  );
  for (const name of names) await expectLoaded(page.getByAltText(name, { exact: true }));
  expect(urls.some(({ pathname }) => pathname.startsWith('/api/thumbnails/'))).toBe(true);

  // After a reload they come from storage.
  urls.length = 0;
  await page.reload();
  for (const name of names) await expectLoaded(page.getByAltText(name, { exact: true }));
  const stored = urls.filter(({ pathname }) => pathname.startsWith('/media/'));
  expect(stored.length).toBeGreaterThanOrEqual(names.length);
});
