import { expect, test } from 'vitest';

import type { Limits } from '../src/lib/api/types';
import { validateFile } from '../src/lib/upload/file-validation';

const limits = { types: ['image/jpeg', 'image/heic'], bytes_per_file: 50 * 1024 * 1024 } as Limits;

test('an empty file is invalid', () => {
  expect(validateFile({ size: 0, type: 'image/jpeg' }, limits)?.code).toBe('empty_file');
});

test('a file above the size limit is invalid, and the message has both sizes', () => {
  const failure = validateFile({ size: 60 * 1024 * 1024, type: 'image/jpeg' }, limits);
  expect(failure).toEqual({
    code: 'file_too_large',
    message: 'The file is too large (60 MB). The limit is 50 MB.',
  });
  expect(validateFile({ size: limits.bytes_per_file, type: 'image/jpeg' }, limits)).toBeNull();
  expect(validateFile({ size: limits.bytes_per_file + 1, type: 'image/jpeg' }, limits)?.code).toBe(
    'file_too_large',
  );
});

test('an unsupported type is invalid, an unknown type is not', () => {
  expect(validateFile({ size: 1, type: 'application/pdf' }, limits)?.code).toBe('unsupported_type');
  expect(validateFile({ size: 1, type: '' }, limits)).toBeNull();
});

test('aliases of a supported type are valid', () => {
  for (const type of ['image/jpg', 'IMAGE/JPEG', 'image/heif']) {
    expect(validateFile({ size: 1, type }, limits)).toBeNull();
  }
});
