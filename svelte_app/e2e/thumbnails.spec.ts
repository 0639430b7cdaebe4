/** Where pictures come from: storage, not the app; and from the app only what nobody has made yet. */
import { expect, test, type Page } from '@playwright/test';

import { expectLoaded, named, part, photos, picture, uploadAll } from './site';

/** The addresses of pictures that the page asks for from now on. */
function asked(page: Page): URL[] {
  const urls: URL[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'image') urls.push(new URL(request.url()));
  });
  return urls;
}

test('a gallery of forty warm pictures asks the app for none of them', async ({ page }) => {
  await uploadAll(page, 'batch', photos(40, 'warm'));
  const urls = asked(page);
  await page.goto('/gallery');
  for (let at = 40; at >= 1; at -= 1) await expectLoaded(page.getByAltText(named('warm', at)));
  const stored = urls.filter(({ pathname }) => pathname.startsWith('/media/'));
  expect(new Set(stored.map(({ pathname }) => pathname)).size).toBeGreaterThanOrEqual(40);
  expect(urls.filter(({ pathname }) => pathname.startsWith('/api/'))).toEqual([]);
});

test('a warm gallery that is seen again fetches no picture a second time', async ({ page }) => {
  await uploadAll(page, 'batch', photos(6, 'again'));
  await page.goto('/gallery');
  for (let at = 6; at >= 1; at -= 1) await expectLoaded(page.getByAltText(named('again', at)));
  await page.getByRole('link', { name: 'Upload', exact: true }).click();
  await page.goto('/gallery');
  for (let at = 6; at >= 1; at -= 1) await expectLoaded(page.getByAltText(named('again', at)));
  // What a cache answers transfers nothing.
  const transferred = await page.evaluate(
    (names) => {
      const shown = names.map(
        (name) => document.querySelector<HTMLImageElement>(`img[alt="${name}"]`)?.currentSrc,
      );
      return (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => shown.includes(name))
        .map(({ transferSize }) => transferSize);
    },
    [1, 2, 3, 4, 5, 6].map((at) => named('again', at)),
  );
  expect(transferred).toEqual([0, 0, 0, 0, 0, 0]);
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

test('an archive nobody has looked at yet fills as one looks @archive', async ({ page }) => {
  const urls = asked(page);
  await page.goto('/gallery');
  const pictures = page.getByTestId('picture');
  await expect(pictures.first()).toBeVisible();
  const names = await pictures.evaluateAll((links) =>
    links.slice(0, 24).map((link) => link.querySelector('img')?.alt ?? ''),
  );
  for (const name of names) await expectLoaded(page.getByAltText(name, { exact: true }));
  expect(urls.some(({ pathname }) => pathname.startsWith('/api/thumbnails/'))).toBe(true);

  // The second look finds them in storage.
  urls.length = 0;
  await page.reload();
  for (const name of names) await expectLoaded(page.getByAltText(name, { exact: true }));
  const stored = urls.filter(({ pathname }) => pathname.startsWith('/media/'));
  expect(stored.length).toBeGreaterThanOrEqual(names.length);
});
