/** Where pictures come from: storage, not the app; and from the app only what nobody has made yet. */
import { expect, test, type Page } from '@playwright/test';

import { expectLoaded, named, photos, uploadAll } from './site';

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
  const fetched: string[] = [];
  page.on('response', (response) => {
    const answered = response.request().resourceType() === 'image' && response.url().includes('/media/');
    if (answered && !response.fromServiceWorker()) fetched.push(response.url());
  });
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const fromNetwork: string[] = [];
  session.on('Network.responseReceived', ({ response, type }) => {
    if (type === 'Image' && !response.fromDiskCache && !response.fromPrefetchCache)
      fromNetwork.push(response.url);
  });
  await page.getByRole('link', { name: 'Upload', exact: true }).click();
  await page.goto('/gallery');
  for (let at = 6; at >= 1; at -= 1) await expectLoaded(page.getByAltText(named('again', at)));
  expect(fromNetwork.filter((url) => url.includes('/media/'))).toEqual([]);
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
