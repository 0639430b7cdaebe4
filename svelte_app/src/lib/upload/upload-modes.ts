/**
 * The three ways to upload: endpoint, field and how files are cut into requests. Pure values;
 * the upload view shows them, the upload store
 * follows them.
 */
import type { Limits } from '../api/types';
import { uuid } from '../uuid';
import { splitIntoRequests, type RequestLimits } from './split-into-requests';
import type { Part, UploadRequest } from './request-queue';

export type Mode = 'sync' | 'async' | 'batch';

export interface ModePlan {
  readonly url: string;
  readonly field: string;
  readonly cut: RequestLimits;
  /** whether one client-made batch id joins the requests of a drop */
  readonly batched: boolean;
}

const MB = 1024 * 1024;

export const MODE_PLANS: Readonly<Record<Mode, ModePlan>> = {
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

/** The plan of one drop. */
export interface UploadPlan extends ModePlan {
  readonly batch: string | null;
}

/** The requests that carry these files, each under a key of its own. */
export function buildRequests(
  parts: readonly Part[],
  plan: UploadPlan,
  limits: Limits | null,
): UploadRequest[] {
  const cut = {
    files: Math.min(plan.cut.files, limits?.files_per_request ?? Infinity),
    bytes: Math.min(plan.cut.bytes, limits?.bytes_per_request ?? Infinity),
  };
  const url = plan.batch === null ? plan.url : `${plan.url}?batch=${plan.batch}`;
  const sized = parts.map((part) => ({ ...part, size: part.file.size }));
  return splitIntoRequests(sized, cut).map((cutParts) => ({
    url,
    field: plan.field,
    key: uuid(),
    parts: cutParts,
  }));
}
