/**
 * What the specs share: sample photos, files made on the spot, and the few steps every one of them takes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, type Locator, type Page } from '@playwright/test';

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

export async function choose(page: Page, files: Upload[]): Promise<void> {
  await page.locator('input[type=file]').setInputFiles(files);
}

export const tile = (page: Page, name: string): Locator =>
  page.locator(`[data-testid=tile][data-name="${name}"]`);

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
