/**
 * Short names for the API's types. schema.d.ts is generated from the server's OpenAPI description
 * (`make api`). All code under src/ imports the API's types from here.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Image = Schemas['ImageOut'];
export type Status = Image['status'];
/** A stable `code` for programs and a `message` for people. */
export type JobError = Schemas['ImageErrorOut'];
/** Label → URL. URLs are opaque: the page never parses them. */
export type Thumbnails = NonNullable<Image['thumbnails']>;
export type Batch = Schemas['BatchWithImagesOut'];
/** A batch in the list of batches: counts without images. */
export type BatchSummary = Schemas['BatchOut'];
export type Limits = Schemas['LimitsOut'];
/** An accepted file of a multi-file request. `index` is its position in the request. */
export type Job = Schemas['JobOut'];
/** A rejected file of a multi-file request. The other files are accepted independently. */
export type Rejection = Schemas['RejectedOut'];
export type ErrorBody = Schemas['ErrorOut'];
