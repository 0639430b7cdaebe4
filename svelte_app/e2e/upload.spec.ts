import { expect, test } from '@playwright/test';

import {
  choose,
  corrupt,
  expectLoaded,
  nameOf,
  openUpload,
  photos,
  progress,
  tile,
  uploadAll,
  type Mode,
} from './site';

for (const mode of ['sync', 'async', 'batch'] satisfies Mode[]) {
  test(`five photos uploaded in ${mode} mode all get a thumbnail`, async ({ page }) => {
    const files = photos(5, `five-${mode}`, { large: true });
    await openUpload(page, mode);
    await choose(page, files);
    for (const { name } of files) {
      await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished', { timeout: 60_000 });
      await expectLoaded(tile(page, name).getByRole('img'));
    }
    await expect(progress(page).getByText('5 photos finished.')).toBeVisible();
  });

  test(`a corrupt file among valid ones in ${mode} mode is listed with name and reason`, async ({ page }) => {
    const good = photos(3, `good-${mode}`);
    const bad = corrupt(`half-${mode}.jpg`);
    await openUpload(page, mode);
    await choose(page, [...good.slice(0, 1), bad, ...good.slice(1)]);
    for (const { name } of good) await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished');
    const failedFiles = page.getByRole('region', { name: '1 file could not be added' });
    const entry = failedFiles.getByRole('listitem').filter({ hasText: bad.name });
    // The name, followed by a sentence of several words.
    await expect(entry).toHaveText(new RegExp(`^${bad.name}\\s+\\S+(\\s+\\S+){2,}`));
    await expect(progress(page).getByText('3 photos finished, 1 could not be added.')).toBeVisible();
  });
}

test('files that break the limits are listed with name and reason and not sent', async ({ page }) => {
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
  await expect(page.getByText('PDF documents cannot be added.')).toBeVisible();
  expect(sent).toEqual([]);
});

test('an upload succeeds after a 503, with one image per file', async ({ page }) => {
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
  const response = await page.request.get(`/api/list?q=${nameOf('patient', 1).slice(0, -5)}`);
  expect(((await response.json()) as unknown[]).length).toBe(2);
});

test('an upload that failed finally can be retried', async ({ page }) => {
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
  await page.getByRole('button', { name: `Try again: ${nameOf('again', 1)}` }).click();
  await expect(tile(page, nameOf('again', 1))).toHaveAttribute('data-kind', 'finished');
});

test('an upload continues while the gallery is open', async ({ page }) => {
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
  await expect(page.getByAltText(nameOf('meanwhile', 2))).toBeVisible();
  await page.getByRole('link', { name: 'Upload', exact: true }).click();
  await expect(progress(page).getByText('2 photos finished.')).toBeVisible();
});

test('files dropped on the gallery are uploaded', async ({ page }) => {
  await page.goto('/gallery');
  const [photo] = photos(1, 'dropped');
  const data = await page.evaluateHandle(
    ({ name, bytes }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/jpeg' }));
      return transfer;
    },
    { name: nameOf('dropped', 1), bytes: [...(photo?.buffer ?? [])] },
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: data });
  await expect(page.getByText('Drop to upload')).toBeVisible();
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
  await expect(tile(page, nameOf('dropped', 1))).toHaveAttribute('data-kind', 'finished');
});

test('events move a file through processing to finished without a reload', async ({ page }) => {
  // Recorded inside the page: polling from outside would miss short states.
  await page.addInitScript(() => {
    const kinds: string[] = [];
    Object.assign(window, { kinds });
    new MutationObserver(() => {
      const kind = document.querySelector<HTMLElement>('[data-name^="watched"][data-name$="-12.jpg"]')
        ?.dataset.kind;
      if (kind !== undefined && kinds.at(-1) !== kind) kinds.push(kind);
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  // Large photos, because the server coalesces the events of a job within 250 ms into the last one.
  await uploadAll(page, 'batch', photos(12, 'watched', { large: true }));
  const kinds = await page.evaluate(() => (window as unknown as { kinds: string[] }).kinds);
  expect(kinds).toEqual(expect.arrayContaining(['pending', 'processing', 'finished']));
  expect(kinds.indexOf('processing')).toBeLessThan(kinds.indexOf('finished'));
});
