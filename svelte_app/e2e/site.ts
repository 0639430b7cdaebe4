/**
 * Shared by the specs: sample photos, generated files, page objects and common steps.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test, type Locator, type Page } from '@playwright/test';

export type Mode = 'sync' | 'async' | 'batch';

export interface Upload {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

function samplesFolder(): string {
  const folder = process.env.SAMPLES;
  if (!folder) throw new Error('SAMPLES must name a folder with photo-01.jpg, photo-02.jpg, …');
  return folder;
}

// Part of every file name: a server may still have the images of an earlier run.
const RUN = Date.now().toString(36);

/** The file name of the nth photo (from 1) of `photos(…, prefix)`. */
export const nameOf = (prefix: string, at: number): string => `${prefix}-${RUN}-${at}.jpg`;

/** The common prefix of the file names of `photos(…, prefix)`, unique to this run. */
export const prefixOf = (prefix: string): string => `${prefix}-${RUN}-`;

/** Photos from the samples folder under unique names. `large`: in camera resolution. */
export function photos(count: number, prefix: string, { large = false } = {}): Upload[] {
  const folder = samplesFolder();
  const all = readdirSync(folder).sort();
  const small = all.filter((name) => /^small-\d+\.jpg$/.test(name));
  const names = large || small.length === 0 ? all.filter((name) => /^photo-\d+\.jpg$/.test(name)) : small;
  const buffers = names.map((name) => readFileSync(join(folder, name)));
  return Array.from({ length: count }, (_, at) => {
    const buffer = buffers[at % buffers.length];
    if (buffer === undefined) throw new Error(`${folder} has no photo-01.jpg`);
    return { name: nameOf(prefix, at + 1), mimeType: 'image/jpeg', buffer };
  });
}

/** Images of a few hundred bytes, for tests with many files. */
export function tiny(count: number, prefix: string): Upload[] {
  const path = join(samplesFolder(), 'tiny.jpg');
  const [first] = photos(1, prefix);
  const buffer = existsSync(path) ? readFileSync(path) : (first?.buffer ?? Buffer.alloc(0));
  return Array.from({ length: count }, (_, at) => ({
    name: nameOf(prefix, at + 1),
    mimeType: 'image/jpeg',
    buffer,
  }));
}

/** The first half of a photo: its header is valid, its pixel data is truncated. */
export function corrupt(name: string): Upload {
  const [whole] = photos(1, name);
  if (!whole) throw new Error('no sample');
  return {
    name,
    mimeType: 'image/jpeg',
    buffer: whole.buffer.subarray(0, Math.floor(whole.buffer.length / 2)),
  };
}

/** @param site URL of another site than the shared one */
export async function openUpload(page: Page, mode: Mode, site = ''): Promise<void> {
  await page.goto(`${site}/`);
  await page.getByText('Options', { exact: true }).click();
  await page.locator(`input[name=mode][value=${mode}]`).check();
}

// Playwright transfers at most 50 MB of file content to the browser.
const MAX_TRANSFER_BYTES = 50 * 1024 * 1024;
const MAX_TRANSFER_FILES = 200;

/**
 * Chooses the files in the file input. Large selections are written to disk first; a spec cannot read those in
 * an intercepted request.
 */
export async function choose(page: Page, files: Upload[]): Promise<void> {
  const bytes = files.reduce((sum, { buffer }) => sum + buffer.length, 0);
  // Transferred files are decoded on the page's main thread, so that 1,000 of them would block it.
  const transferred = bytes < MAX_TRANSFER_BYTES && files.length <= MAX_TRANSFER_FILES;
  const chosen = transferred ? files : writeFiles(files, newFolder());
  await page.getByLabel('Photos', { exact: true }).setInputFiles(chosen);
}

/** Creates a folder on disk for this test. */
export function newFolder(): string {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  return mkdtempSync(join(outputDir, 'chosen-'));
}

/** Writes the files into the folder and returns their paths. */
export function writeFiles(files: Upload[], folder: string): string[] {
  return files.map(({ name, buffer }) => {
    const path = join(folder, name);
    writeFileSync(path, buffer);
    return path;
  });
}

/** Drags files or folders from outside the browser onto the page, with the browser's native drag events. */
export async function drop(page: Page, paths: string[]): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await cdp.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
  }
}

export const tile = (page: Page, name: string): Locator =>
  page.locator(`[data-testid=tile][data-name="${name}"]`);

/** Scrolls down until the file's tile is rendered: the grid renders only tiles near the viewport. */
export async function reveal(page: Page, name: string): Promise<Locator> {
  const found = tile(page, name);
  await expect
    .poll(async () => {
      const count = await found.count();
      if (count === 0) await page.evaluate(() => window.scrollBy(0, 200));
      return count;
    })
    .toBe(1);
  return found;
}

/** The progress panel. Texts are looked up inside it, because the live region repeats them. */
export const progress = (page: Page): Locator => page.getByRole('region', { name: 'Progress' });

export const gridImage = (page: Page, name: string): Locator =>
  page.getByTestId('image').filter({ has: page.getByAltText(name, { exact: true }) });

/** The summary of an upload without failures. */
export const summaryOf = (count: number): string =>
  `${count.toLocaleString('en')} ${count === 1 ? 'photo' : 'photos'} finished.`;

interface ListedImage {
  id: string;
  name: string;
  status: string;
}

/** The images of `photos(…, prefix)` on the page's server. */
export async function listImages(page: Page, prefix: string): Promise<ListedImage[]> {
  const response = await page.request.get(
    `${new URL(page.url()).origin}/api/list?limit=1000&q=${prefixOf(prefix)}`,
  );
  return (await response.json()) as ListedImage[];
}

/** Expects that the image file has been loaded and decoded. */
export async function expectLoaded(image: Locator): Promise<void> {
  await image.scrollIntoViewIfNeeded();
  await expect
    .poll(() => image.evaluate((node) => (node as HTMLImageElement).naturalWidth), { timeout: 30_000 })
    .toBeGreaterThan(0);
}

/** Uploads files and waits until the page shows all as finished. */
export async function uploadAll(page: Page, mode: Mode, files: Upload[]): Promise<void> {
  await openUpload(page, mode);
  await choose(page, files);
  await expect(page.getByText(`${files.length} of ${files.length} finished`)).toBeVisible({
    timeout: 60_000,
  });
}
