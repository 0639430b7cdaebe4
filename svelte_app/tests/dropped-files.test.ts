import { expect, test } from 'vitest';

import { filesFromTransfer, isSystemFile } from '../src/lib/upload/dropped-files';

// The parts of FileSystemEntry that the module uses.
const file = (name: string, readable = true): FileSystemEntry =>
  ({
    name,
    isFile: true,
    isDirectory: false,
    file: (good: (file: File) => void, bad: (error: DOMException) => void) =>
      readable ? good(new File(['x'], name)) : bad(new DOMException('no', 'NotReadableError')),
  }) as unknown as FileSystemEntry;

function folder(name: string, entries: FileSystemEntry[]): FileSystemEntry {
  const createReader = (): { readEntries: (good: (some: FileSystemEntry[]) => void) => void } => {
    const left = [...entries];
    return { readEntries: (good) => good(left.splice(0, 100)) };
  };
  return { name, isFile: false, isDirectory: true, createReader } as unknown as FileSystemEntry;
}

const dropOf = (...entries: FileSystemEntry[]): DataTransfer =>
  ({
    items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })),
    files: [],
  }) as unknown as DataTransfer;

test('all files of a folder and its subfolders are found, although a reader returns 100 entries per call', async () => {
  const many = Array.from({ length: 250 }, (_, at) => file(`${at}.jpg`));
  const found = await filesFromTransfer(
    dropOf(folder('all', [...many, folder('below', [file('deep.jpg')])])),
  );
  expect(found.files).toHaveLength(251);
  expect(found.files.at(-1)?.name).toBe('deep.jpg');
});

test('an unreadable file is reported by name and does not affect other files', async () => {
  const found = await filesFromTransfer(dropOf(folder('all', [file('good.jpg'), file('locked.jpg', false)])));
  expect(found.files.map(({ name }) => name)).toEqual(['good.jpg']);
  expect(found.unreadable).toEqual(['locked.jpg']);
});

test('files that operating systems create in folders are recognised', () => {
  expect(['.DS_Store', 'Thumbs.db', 'desktop.ini', 'a.jpg'].filter(isSystemFile)).toHaveLength(3);
});
