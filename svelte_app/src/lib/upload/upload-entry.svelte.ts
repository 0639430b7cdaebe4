/**
 * The one way in for files a person gives, however they came: chosen, dropped or pasted. Part of the first
 * view; the upload engine, which is not, is brought in when it is needed, or a moment after the first paint.
 */
import { announcer } from '../announcer.svelte';
import { plural } from '../format';
import { importWithRetry } from '../import-with-retry';
import { limits } from '../limits.svelte';
import type { Mode } from './upload-modes';
import { readFileSizes } from './read-file-sizes';
import type { uploads } from './uploads.svelte';

class UploadEntry {
  mode = $state<Mode>('batch');
  /** the engine, once it is here */
  uploads = $state.raw<typeof uploads>();
  /** files wait for an engine that does not come */
  stuck = $state(false);
  #loading: Promise<typeof uploads> | undefined;

  load(): Promise<typeof uploads> {
    this.#loading ??= importWithRetry(
      () => import('./uploads.svelte'),
      () => (this.stuck = true),
    ).then((engine) => {
      this.stuck = false;
      return (this.uploads = engine.uploads);
    });
    return this.#loading;
  }

  /** @param unreadable names of files that were meant too but could not be read */
  async take(files: readonly File[], unreadable: readonly string[] = []): Promise<void> {
    if (files.length + unreadable.length === 0) return;
    const { mode } = this;
    const [engine, known] = await Promise.all([this.load(), limits.load(), readFileSizes(files)]);
    const told = [`${plural(files.length, 'file')} added.`];
    if (unreadable.length > 0) told.push(`${unreadable.join(', ')} cannot be read.`);
    announcer.say(told.join(' '));
    engine.add(files, mode, known, unreadable);
  }
}

export const uploadEntry = new UploadEntry();
