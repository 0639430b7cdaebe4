/**
 * What the specs share: sample photos, files made on the spot, and the few steps every one of them takes.
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

// A server that served another run still has that run's pictures.
const RUN = Date.now().toString(36);

/** The name of the nth photo (from 1) of `photos(…, prefix)`. */
export const named = (prefix: string, at: number): string => `${prefix}-${RUN}-${at}.jpg`;

/** What all names of `photos(…, prefix)` have in common, and no others. */
export const part = (prefix: string): string => `${prefix}-${RUN}-`;

/** Photos of the samples folder, each under a name nobody else uses. `large`: as big as a camera makes them. */
export function photos(count: number, prefix: string, { large = false } = {}): Upload[] {
  const folder = samplesFolder();
  const all = readdirSync(folder).sort();
  const small = all.filter((name) => /^small-\d+\.jpg$/.test(name));
  const names = large || small.length === 0 ? all.filter((name) => /^photo-\d+\.jpg$/.test(name)) : small;
  const buffers = names.map((name) => readFileSync(join(folder, name)));
  return Array.from({ length: count }, (_, at) => {
    const buffer = buffers[at % buffers.length];
    if (buffer === undefined) throw new Error(`${folder} holds no photo-01.jpg`);
    return { name: named(prefix, at + 1), mimeType: 'image/jpeg', buffer };
  });
}

/** Pictures of a few hundred bytes, where many matter and pixels do not. */
export function tiny(count: number, prefix: string): Upload[] {
  const path = join(samplesFolder(), 'tiny.jpg');
  const [first] = photos(1, prefix);
  const buffer = existsSync(path) ? readFileSync(path) : (first?.buffer ?? Buffer.alloc(0));
  return Array.from({ length: count }, (_, at) => ({
    name: named(prefix, at + 1),
    mimeType: 'image/jpeg',
    buffer,
  }));
}

/** A real photo cut off in the middle: its header is fine, its pixels are not. */
export function corrupt(name: string): Upload {
  const [whole] = photos(1, name);
  if (!whole) throw new Error('no sample');
  return {
    name,
    mimeType: 'image/jpeg',
    buffer: whole.buffer.subarray(0, Math.floor(whole.buffer.length / 2)),
  };
}

/** @param site where, if not on the site that all specs share */
export async function openUpload(page: Page, mode: Mode, site = ''): Promise<void> {
  await page.goto(`${site}/`);
  await page.locator(`input[name=mode][value=${mode}]`).check();
}

// Playwright carries at most 50 MB of files itself.
const CARRIED_BYTES = 50 * 1024 * 1024;
const CARRIED_FILES = 200;

/** Chooses the files. Many go by way of the disk; those a spec can't read in a request that it holds back. */
export async function choose(page: Page, files: Upload[]): Promise<void> {
  const bytes = files.reduce((sum, { buffer }) => sum + buffer.length, 0);
  // Carried files are decoded on the page's main thread: a thousand of them would freeze it.
  const carried = bytes < CARRIED_BYTES && files.length <= CARRIED_FILES;
  const chosen = carried ? files : onDisk(files, newFolder());
  await page.getByLabel('Photos', { exact: true }).setInputFiles(chosen);
}

/** A new folder on disk, for this test alone. */
export function newFolder(): string {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  return mkdtempSync(join(outputDir, 'chosen-'));
}

/** Writes the files into the folder; their paths. */
export function onDisk(files: Upload[], folder: string): string[] {
  return files.map(({ name, buffer }) => {
    const path = join(folder, name);
    writeFileSync(path, buffer);
    return path;
  });
}

/** Drags files or folders from outside over the page and lets them go, as the system does it. */
export async function drop(page: Page, paths: string[]): Promise<void> {
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await cdp.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
  }
}

export const tile = (page: Page, name: string): Locator =>
  page.locator(`[data-testid=tile][data-name="${name}"]`);

/** Scrolls down until the file's tile, which exists only near the window, is there. */
export async function reveal(page: Page, name: string): Promise<Locator> {
  const found = tile(page, name);
  await expect
    .poll(async () => {
      const there = await found.count();
      if (there === 0) await page.evaluate(() => window.scrollBy(0, 200));
      return there;
    })
    .toBe(1);
  return found;
}

/** The panel with both phases and the summary. (The announcements say the same once more.) */
export const progress = (page: Page): Locator => page.getByRole('region', { name: 'Progress' });

export const picture = (page: Page, name: string): Locator =>
  page.getByTestId('picture').filter({ has: page.getByAltText(name, { exact: true }) });

/** How the panel tells the end of a drop in which every file came through. */
export const summaryOf = (count: number): string =>
  `${count.toLocaleString('en')} ${count === 1 ? 'photo' : 'photos'} finished.`;

interface Listed {
  id: string;
  name: string;
  status: string;
}

/** What the server, the page's own, has of `photos(…, prefix)`. */
export async function listed(page: Page, prefix: string): Promise<Listed[]> {
  const answer = await page.request.get(
    `${new URL(page.url()).origin}/api/list?limit=1000&q=${part(prefix)}`,
  );
  return (await answer.json()) as Listed[];
}

/** The picture is not only there but painted: its bytes came and were an image. */
export async function expectLoaded(image: Locator): Promise<void> {
  await image.scrollIntoViewIfNeeded();
  await expect
    .poll(() => image.evaluate((node) => (node as HTMLImageElement).naturalWidth), { timeout: 30_000 })
    .toBeGreaterThan(0);
}

/** Uploads photos and waits until the page says that all are finished. */
export async function uploadAll(page: Page, mode: Mode, files: Upload[]): Promise<void> {
  await openUpload(page, mode);
  await choose(page, files);
  await expect(page.getByText(`${files.length} of ${files.length} finished`)).toBeVisible({
    timeout: 60_000,
  });
}
