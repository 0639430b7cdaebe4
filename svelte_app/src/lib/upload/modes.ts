/**
 * The three ways to upload: endpoint, field and how files are cut into requests. Pure values;
 * the upload view shows them, the queue follows them.
 */
import type { Cut } from './cutting';

export type Mode = 'sync' | 'async' | 'batch';

export interface ModePlan {
  readonly url: string;
  readonly field: string;
  readonly cut: Cut;
  /** whether one client-made batch id joins the requests of a drop */
  readonly batched: boolean;
}

const MB = 1024 * 1024;

export const PLANS: Readonly<Record<Mode, ModePlan>> = {
  sync: { url: '/api/upload', field: 'image', cut: { files: 1, bytes: Infinity }, batched: false },
  // One task per image on the server: small requests let the first pictures start early.
  async: { url: '/api/async/upload', field: 'images', cut: { files: 10, bytes: 64 * MB }, batched: true },
  batch: {
    url: '/api/async/batch/upload',
    field: 'images',
    cut: { files: 50, bytes: 64 * MB },
    batched: true,
  },
};
