/**
 * The three upload modes: endpoint, form field, and how files are split into requests. Pure. The component
 * UploadModeChoice shows the modes; uploads.svelte.ts builds requests with them.
 */
import type { Limits } from '../api/types';
import { uuid } from '../uuid';
import type { Part, UploadRequest } from './request-queue';
import { splitIntoRequests, type RequestLimits } from './split-into-requests';

export type Mode = 'sync' | 'async' | 'batch';

export interface ModePlan {
  readonly url: string;
  readonly field: string;
  readonly requestLimits: RequestLimits;
  /** the requests of one drop share a batch id that the page generates */
  readonly sharesBatch: boolean;
}

const MB = 1024 * 1024;

export const MODE_PLANS: Readonly<Record<Mode, ModePlan>> = {
  sync: {
    url: '/api/upload',
    field: 'image',
    requestLimits: { files: 1, bytes: Infinity },
    sharesBatch: false,
  },
  // Small requests: the server processes the first images while the others are being uploaded.
  async: {
    url: '/api/async/upload',
    field: 'images',
    requestLimits: { files: 10, bytes: 64 * MB },
    sharesBatch: true,
  },
  batch: {
    url: '/api/async/batch/upload',
    field: 'images',
    requestLimits: { files: 50, bytes: 64 * MB },
    sharesBatch: true,
  },
};

/** The plan of one drop. */
export interface UploadPlan extends ModePlan {
  readonly batchId: string | null;
}

/** Builds the requests for these files, each with an idempotency key of its own. */
export function buildRequests(
  parts: readonly Part[],
  plan: UploadPlan,
  limits: Limits | null,
): UploadRequest[] {
  const requestLimits = {
    files: Math.min(plan.requestLimits.files, limits?.files_per_request ?? Infinity),
    bytes: Math.min(plan.requestLimits.bytes, limits?.bytes_per_request ?? Infinity),
  };
  const url = plan.batchId === null ? plan.url : `${plan.url}?batch=${plan.batchId}`;
  const sizedParts = parts.map((part) => ({ ...part, size: part.file.size }));
  return splitIntoRequests(sizedParts, requestLimits).map((requestParts) => ({
    url,
    field: plan.field,
    key: uuid(),
    parts: requestParts,
  }));
}
