import { expect, test } from '@playwright/test';

import {
  choose,
  corrupt,
  expectLoaded,
  named,
  openUpload,
  photos,
  progress,
  tile,
  uploadAll,
  type Mode,
} from './site';

for (const mode of ['sync', 'async', 'batch'] satisfies Mode[]) {
  test(`five photos sent as ${mode} all end as thumbnails in the sheet`, async ({ page }) => {
    const files = photos(5, `five-${mode}`, { large: true });
    await openUpload(page, mode);
    await choose(page, files);
    for (const { name } of files) {
      await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished', { timeout: 60_000 });
      await expectLoaded(tile(page, name).getByRole('img'));
    }
    await expect(progress(page).getByText('5 photos finished.')).toBeVisible();
  });

  test(`a corrupt file among good ones sent as ${mode} is told by name and reason`, async ({ page }) => {
    const good = photos(3, `good-${mode}`);
    const bad = corrupt(`half-${mode}.jpg`);
    await openUpload(page, mode);
    await choose(page, [...good.slice(0, 1), bad, ...good.slice(1)]);
    for (const { name } of good) await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished');
    const attention = page.getByRole('region', { name: '1 file needs a look' });
    const entry = attention.getByRole('listitem').filter({ hasText: bad.name });
    // A name and then a sentence: more than the name alone.
    await expect(entry).toHaveText(new RegExp(`^${bad.name}\\s+\\S+(\\s+\\S+){2,}`));
    await expect(progress(page).getByText('3 photos finished, 1 failed.')).toBeVisible();
  });
}

test('what breaks the limits is refused before a byte travels, by name and reason', async ({ page }) => {
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(request.url());
  });
  await openUpload(page, 'batch');
  await choose(page, [
    { name: 'empty.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(0) },
    { name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7') },
  ]);
  await expect(page.getByText('The file is empty.')).toBeVisible();
  await expect(page.getByText('Files of type application/pdf are not taken.')).toBeVisible();
  expect(sent).toEqual([]);
});

test('a 503 is sat out and the upload still ends, with one image per file', async ({ page }) => {
  let refused = 0;
  const keys = new Set<string>();
  await page.route('**/api/async/batch/upload*', async (route) => {
    keys.add((await route.request().headerValue('Idempotency-Key')) ?? '');
    if (refused++ > 0) return route.continue();
    return route.fulfill({
      status: 503,
      headers: { 'Retry-After': '1' },
      contentType: 'application/json',
      body: '{"error": "Too much at once.", "code": "overloaded"}',
    });
  });
  const files = photos(2, 'patient');
  await openUpload(page, 'batch');
  await choose(page, files);
  for (const { name } of files) await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished');
  expect(refused).toBe(2);
  expect(keys.size).toBe(1);
  const listed = await page.request.get(`/api/list?q=${named('patient', 1).slice(0, -5)}`);
  expect(((await listed.json()) as unknown[]).length).toBe(2);
});

test('an upload that failed for good can be tried again', async ({ page }) => {
  let refused = false;
  await page.route('**/api/upload', (route) => {
    if (refused) return route.continue();
    refused = true;
    return route.fulfill({
      status: 403,
      contentType: 'application/json',
      body: '{"error": "This origin may not upload.", "code": "forbidden_origin"}',
    });
  });
  await openUpload(page, 'sync');
  await choose(page, photos(1, 'again'));
  await expect(page.getByRole('listitem').filter({ hasText: 'This origin may not upload.' })).toBeVisible();
  await page.getByRole('button', { name: `Try again: ${named('again', 1)}` }).click();
  await expect(tile(page, named('again', 1))).toHaveAttribute('data-kind', 'finished');
});

test('an upload goes on while the gallery is looked at', async ({ page }) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/api/async/upload*', async (route) => {
    await held;
    await route.continue();
  });
  await openUpload(page, 'async');
  await choose(page, photos(2, 'meanwhile'));
  await page.getByRole('link', { name: 'Gallery' }).click();
  await expect(page.getByRole('heading', { name: 'Gallery' })).toBeFocused();
  await expect(page.getByRole('link', { name: /Uploading/ })).toBeVisible();
  release();
  await expect(page.getByAltText(named('meanwhile', 2))).toBeVisible();
  await page.getByRole('link', { name: 'Upload', exact: true }).click();
  await expect(progress(page).getByText('2 photos finished.')).toBeVisible();
});

test('files dropped anywhere on the gallery are uploaded', async ({ page }) => {
  await page.goto('/gallery');
  const [photo] = photos(1, 'dropped');
  const data = await page.evaluateHandle(
    ({ name, bytes }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/jpeg' }));
      return transfer;
    },
    { name: named('dropped', 1), bytes: [...(photo?.buffer ?? [])] },
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: data });
  await expect(page.getByText('Let go to upload')).toBeVisible();
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await expect(tile(page, named('dropped', 1))).toHaveAttribute('data-kind', 'finished');
});

test('news moves a file through processing to finished without a reload', async ({ page }) => {
  // Noted in the page itself: a poll from outside would miss a state that lasts a moment.
  await page.addInitScript(() => {
    const kinds: string[] = [];
    Object.assign(window, { kinds });
    new MutationObserver(() => {
      const kind = document.querySelector<HTMLElement>('[data-name^="watched"][data-name$="-12.jpg"]')
        ?.dataset.kind;
      if (kind !== undefined && kinds.at(-1) !== kind) kinds.push(kind);
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  // Large: news of one job within a quarter of a second comes as one, the last.
  await uploadAll(page, 'batch', photos(12, 'watched', { large: true }));
  const kinds = await page.evaluate(() => (window as unknown as { kinds: string[] }).kinds);
  expect(kinds).toEqual(expect.arrayContaining(['pending', 'processing', 'finished']));
  expect(kinds.indexOf('processing')).toBeLessThan(kinds.indexOf('finished'));
});
