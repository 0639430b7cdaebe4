/**
 * Validates files against the server's limits before the upload. Pure. The server validates the content
 * again. This validation only avoids uploading files that the server would refuse.
 */
import type { Limits } from '../api/types';
import { bytes } from '../format';
import type { Failure } from './request-outcome';

export interface Candidate {
  readonly size: number;
  /** the browser's guess; empty if unknown, which is common for HEIC */
  readonly type: string;
}

/** The reason why the file cannot be added, or null. An unknown type passes: the server reads the content. */
export function validateFile(file: Candidate, limits: Limits): Failure | null {
  if (file.size === 0) return { code: 'empty_file', message: 'The file is empty.' };
  if (file.size > limits.bytes_per_file) {
    return {
      code: 'file_too_large',
      message: `The file is too large (${bytes(file.size)}). The limit is ${bytes(limits.bytes_per_file)}.`,
    };
  }
  const type = file.type.toLowerCase();
  if (type !== '' && ![type, TYPE_ALIASES[type]].some((name) => name && limits.types.includes(name))) {
    return { code: 'unsupported_type', message: `${typeWords(type)} cannot be added.` };
  }
  return null;
}

// Type names of browsers and operating systems → the server's name for the same type.
const TYPE_ALIASES: Record<string, string> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/apng': 'image/png',
  'image/x-ms-bmp': 'image/bmp',
  'image/x-bmp': 'image/bmp',
  'image/heif': 'image/heic',
  'image/heic-sequence': 'image/heic',
  'image/heif-sequence': 'image/heic',
};

function typeWords(type: string): string {
  if (type === 'image/svg+xml') return 'SVG drawings';
  if (type === 'application/pdf') return 'PDF documents';
  if (type.startsWith('video/')) return 'Videos';
  return `Files of type ${type}`;
}
