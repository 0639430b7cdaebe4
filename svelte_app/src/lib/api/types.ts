/**
 * The shapes of the API under the names the page uses. They are the server's own: schema.d.ts is made from
 * its OpenAPI description (`make api`). Everything under src/ imports its wire types from here.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Image = Schemas['ImageOut'];
export type Status = Image['status'];
/** A stable `code` to decide by and a sentence for a person. */
export type JobError = Schemas['ImageErrorOut'];
/** label → URL. URLs are opaque: shown, never taken apart. */
export type Thumbnails = NonNullable<Image['thumbnails']>;
export type Batch = Schemas['BatchWithImagesOut'];
/** A batch as the list of batches tells it: counts, no images. */
export type BatchSummary = Schemas['BatchOut'];
export type Limits = Schemas['LimitsOut'];
/** An accepted file of a multi-file request; `index` is its place in the request. */
export type Job = Schemas['JobOut'];
/** One file of a multi-file request that was refused; the others went on. */
export type Rejection = Schemas['RejectedOut'];
export type ErrorBody = Schemas['ErrorOut'];
