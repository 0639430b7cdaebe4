/**
 * Refuses files that break the server's limits before a byte travels. Pure. The server judges again by
 * content: this only saves a person the wait.
 */
import type { Limits } from '../api/types';
import { bytes } from '../format';
import type { Failure } from './request-outcome';

export interface Candidate {
  readonly size: number;
  /** what the browser thinks it is; empty when it does not know (HEIC often) */
  readonly type: string;
}

/** Why the file cannot be taken, or null. An unknown type passes: only the content can tell. */
export function validateFile(file: Candidate, limits: Limits): Failure | null {
  if (file.size === 0) return { code: 'empty_file', message: 'The file is empty.' };
  if (file.size > limits.bytes_per_file) {
    return {
      code: 'file_too_large',
      message: `The file has ${bytes(file.size)}; at most ${bytes(limits.bytes_per_file)} are taken.`,
    };
  }
  const known = [file.type.toLowerCase(), normalised(file.type)];
  if (file.type !== '' && !known.some((type) => limits.types.includes(type))) {
    return { code: 'unsupported_type', message: `Files of type ${file.type} are not taken.` };
  }
  return null;
}

// Spellings browsers and systems use for types the server names differently.
const SPELLINGS: Record<string, string> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/apng': 'image/png',
  'image/x-ms-bmp': 'image/bmp',
  'image/x-bmp': 'image/bmp',
  'image/heif': 'image/heic',
  'image/heic-sequence': 'image/heic',
  'image/heif-sequence': 'image/heic',
};

const normalised = (type: string): string => SPELLINGS[type.toLowerCase()] ?? type.toLowerCase();
