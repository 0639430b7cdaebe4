/**
 * Extracts the files of a drop or a paste, including all files below dropped folders. The drop target calls
 * it.
 */

/** True if a drag contains files, as opposed to text or a link. */
export const hasFiles = (data: DataTransfer | null): boolean => data?.types.includes('Files') ?? false;

export interface DroppedFiles {
  readonly files: File[];
  /** names of files and folders that could not be read */
  readonly unreadable: string[];
}

export async function filesFromTransfer(data: DataTransfer): Promise<DroppedFiles> {
  const dropped: DroppedFiles = { files: [], unreadable: [] };
  // Both lists are read before the first await: the browser empties them when the event handler returns.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files = [...data.files];
  if (!entries.some((entry) => entry.isDirectory)) dropped.files.push(...files);
  else for (const entry of entries) await addEntry(entry, dropped);
  return dropped;
}

/** Files that operating systems create in folders. */
export const isSystemFile = (name: string): boolean =>
  name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini';

async function addEntry(entry: FileSystemEntry, dropped: DroppedFiles): Promise<void> {
  try {
    if (entry.isFile) {
      dropped.files.push(await fileOf(entry as FileSystemFileEntry));
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // A reader returns at most 100 entries per call, and none at the end.
    for (let entries = await readEntries(reader); entries.length > 0; entries = await readEntries(reader)) {
      for (const child of entries) if (!isSystemFile(child.name)) await addEntry(child, dropped);
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    dropped.unreadable.push(entry.name);
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

const readEntries = (reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> =>
  new Promise((resolve, reject) => reader.readEntries(resolve, reject));
