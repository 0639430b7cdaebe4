/**
 * What the specs share: sample photos, files made on the spot, and the few steps every one of them takes.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

/** Photos of the samples folder, each under a name nobody else uses. */
export function photos(count: number, prefix: string): Upload[] {
  const folder = samplesFolder();
  const names = readdirSync(folder)
    .filter((name) => /^photo-\d+\.jpe?g$/i.test(name))
    .sort();
  return Array.from({ length: count }, (_, at) => {
    const source = names[at % names.length];
    if (source === undefined) throw new Error(`${folder} holds no photo-01.jpg`);
    const buffer = readFileSync(join(folder, source));
    return { name: named(prefix, at + 1), mimeType: 'image/jpeg', buffer };
  });
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

export async function openUpload(page: Page, mode: Mode): Promise<void> {
  await page.goto('/');
  await page.locator(`input[name=mode][value=${mode}]`).check();
}

// Playwright carries at most 50 MB of files itself.
const CARRIED_BYTES = 50 * 1024 * 1024;

/** Chooses the files. Many go by way of the disk; those a spec can't read in a request that it holds back. */
export async function choose(page: Page, files: Upload[]): Promise<void> {
  const bytes = files.reduce((sum, { buffer }) => sum + buffer.length, 0);
  await page.locator('input[type=file]').setInputFiles(bytes < CARRIED_BYTES ? files : onDisk(files));
}

function onDisk(files: Upload[]): string[] {
  const { outputDir } = test.info();
  mkdirSync(outputDir, { recursive: true });
  const folder = mkdtempSync(join(outputDir, 'chosen-'));
  return files.map(({ name, buffer }) => {
    const path = join(folder, name);
    writeFileSync(path, buffer);
    return path;
  });
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
