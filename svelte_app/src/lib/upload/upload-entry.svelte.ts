/**
 * The entry point for files that a person adds: chosen, dropped or pasted. Part of the first view's bundle.
 * Loads the upload code (uploads.svelte.ts) on demand, so that the first view stays small.
 */
import { announcer } from '../announcer.svelte';
import { plural } from '../format';
import { importWithRetry } from '../import-with-retry';
import { limits } from '../limits.svelte';
import { readFileSizes } from './read-file-sizes';
import type { Mode } from './upload-modes';
import type { uploads } from './uploads.svelte';

class UploadEntry {
  mode = $state<Mode>('batch');
  /** the upload code, once it is loaded */
  uploads = $state.raw<typeof uploads>();
  /** loading the upload code has failed and is retried; added files wait */
  loadFailed = $state(false);
  #loading: Promise<typeof uploads> | undefined;

  /** Loads the upload code. */
  load(): Promise<typeof uploads> {
    this.#loading ??= importWithRetry(
      () => import('./uploads.svelte'),
      () => (this.loadFailed = true),
    ).then((module) => {
      this.loadFailed = false;
      return (this.uploads = module.uploads);
    });
    return this.#loading;
  }

  /** @param unreadable names of dropped files that could not be read */
  async addFiles(files: readonly File[], unreadable: readonly string[] = []): Promise<void> {
    if (files.length + unreadable.length === 0) return;
    const { mode } = this;
    const [loaded, serverLimits] = await Promise.all([this.load(), limits.load(), readFileSizes(files)]);
    const sentences = [`${plural(files.length, 'file')} added.`];
    if (unreadable.length > 0) sentences.push(`${unreadable.join(', ')} cannot be read.`);
    announcer.announce(sentences.join(' '));
    loaded.add(files, mode, serverLimits, unreadable);
  }
}

export const uploadEntry = new UploadEntry();
