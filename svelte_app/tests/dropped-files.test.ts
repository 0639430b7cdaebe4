import { expect, test } from 'vitest';

import { filesFromTransfer, isSystemFile } from '../src/lib/upload/dropped-files';

// A browser's entries, as far as they are walked.
const file = (name: string, readable = true): FileSystemEntry =>
  ({
    name,
    isFile: true,
    isDirectory: false,
    file: (good: (file: File) => void, bad: (fault: DOMException) => void) =>
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

test('a folder is walked to its end, a hundred entries at a time and as deep as it goes', async () => {
  const many = Array.from({ length: 250 }, (_, at) => file(`${at}.jpg`));
  const found = await filesFromTransfer(
    dropOf(folder('all', [...many, folder('below', [file('deep.jpg')])])),
  );
  expect(found.files).toHaveLength(251);
  expect(found.files.at(-1)?.name).toBe('deep.jpg');
});

test('a file that cannot be read is named and keeps no other away', async () => {
  const found = await filesFromTransfer(dropOf(folder('all', [file('good.jpg'), file('locked.jpg', false)])));
  expect(found.files.map(({ name }) => name)).toEqual(['good.jpg']);
  expect(found.unreadable).toEqual(['locked.jpg']);
});

test('what systems put into folders is left out', () => {
  expect(['.DS_Store', 'Thumbs.db', 'desktop.ini', 'a.jpg'].filter(isSystemFile)).toHaveLength(3);
});
