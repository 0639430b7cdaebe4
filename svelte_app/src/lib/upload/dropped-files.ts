/**
 * All files of a drop or a paste, folders walked to their end. Called by the page-wide drop target.
 */

/** Whether a drag carries files (and not text or a link). */
export const hasFiles = (data: DataTransfer | null): boolean => data?.types.includes('Files') ?? false;

export interface DroppedFiles {
  readonly files: File[];
  /** names of files and folders that the system would not let be read */
  readonly unreadable: string[];
}

export async function filesFromTransfer(data: DataTransfer): Promise<DroppedFiles> {
  const found: DroppedFiles = { files: [], unreadable: [] };
  // Entries and files must be taken before the first await: the lists are emptied when the event is over.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files = [...data.files];
  if (!entries.some((entry) => entry.isDirectory)) found.files.push(...files);
  else for (const entry of entries) await walk(entry, found);
  return found;
}

/** What a system puts into folders by itself. */
export const isSystemFile = (name: string): boolean =>
  name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini';

async function walk(entry: FileSystemEntry, found: DroppedFiles): Promise<void> {
  try {
    if (entry.isFile) {
      found.files.push(await fileOf(entry as FileSystemFileEntry));
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // A reader gives at most a hundred entries at a time; an empty answer is the end.
    for (let some = await entriesOf(reader); some.length > 0; some = await entriesOf(reader)) {
      for (const one of some) if (!isSystemFile(one.name)) await walk(one, found);
    }
  } catch (fault) {
    if (!(fault instanceof DOMException)) throw fault;
    found.unreadable.push(entry.name);
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

const entriesOf = (reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> =>
  new Promise((resolve, reject) => reader.readEntries(resolve, reject));
