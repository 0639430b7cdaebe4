/**
 * The frames of the WebSocket, as values. Pure: text in, one of a few kinds out; what is not understood
 * is `unknown`, never an exception. LiveSocket calls it.
 */
import type { Image, JobError, Status, Thumbnails } from '../api/types';

/** What a frame, a list and an answer all tell of a job. */
export interface JobEvent {
  readonly job_id: string;
  readonly version: number;
  readonly status: Status;
  readonly batch_id: string | null;
  readonly name: string;
  readonly size: number;
  /** upright pixels; null while unknown */
  readonly width: number | null;
  readonly height: number | null;
  readonly image: string | null;
  readonly thumbnails: Thumbnails | null;
  readonly error: JobError | null;
  readonly finished_at: string | null;
}

export type ServerMessage =
  | { readonly kind: 'news'; readonly news: readonly JobEvent[] }
  | { readonly kind: 'removed'; readonly jobId: string }
  | { readonly kind: 'snapshot'; readonly images: readonly Image[] }
  | { readonly kind: 'resync' }
  | { readonly kind: 'unknown' };

interface Wire {
  type?: string;
  job_id?: string;
  images?: unknown;
  cursor?: string;
}

/** @returns the frame, and the cursor it carries, if any: what to ask changes `since` */
export function parseMessage(text: string): { frame: ServerMessage; cursor: string | null } {
  let wire: Wire;
  try {
    wire = JSON.parse(text) as Wire;
  } catch (fault) {
    if (fault instanceof SyntaxError) return { frame: { kind: 'unknown' }, cursor: null };
    throw fault;
  }
  return { frame: messageOf(wire), cursor: wire.cursor ?? null };
}

function messageOf(wire: Wire): ServerMessage {
  switch (wire.type) {
    case 'send_upload_notification':
      return { kind: 'news', news: [wire as unknown as JobEvent] };
    case 'send_upload_notifications':
      return { kind: 'news', news: (wire.images ?? []) as JobEvent[] };
    case 'snapshot':
      return { kind: 'snapshot', images: (wire.images ?? []) as Image[] };
    case 'removed':
      return wire.job_id === undefined ? { kind: 'unknown' } : { kind: 'removed', jobId: wire.job_id };
    case 'resync':
      return { kind: 'resync' };
    default:
      return { kind: 'unknown' };
  }
}

export type Topic =
  | { readonly type: 'all' }
  | { readonly type: 'batch'; readonly id: string }
  | { readonly type: 'jobs'; readonly ids: readonly string[] };

// A frame in is at most 64 KB; an id takes 39 bytes.
const IDS_PER_MESSAGE = 500;

/** What a subscribe or an unsubscribe names: one entry per frame. */
function named(topic: Topic): object[] {
  switch (topic.type) {
    case 'all':
      return [{ all: true }];
    case 'batch':
      return [{ batch_id: topic.id }];
    case 'jobs':
      return Array.from({ length: Math.ceil(topic.ids.length / IDS_PER_MESSAGE) }, (_, at) => ({
        job_ids: topic.ids.slice(at * IDS_PER_MESSAGE, (at + 1) * IDS_PER_MESSAGE),
      }));
  }
}

/** The frames that ask for topics. `since` is the last cursor heard, for what changed in between. */
export function subscribeMessages(topics: readonly Topic[], since: string | null): object[] {
  return topics.flatMap((topic) =>
    named(topic).map((what) => ({
      type: 'subscribe',
      ...what,
      coalesce: true,
      ...(topic.type === 'all' && since !== null ? { since } : {}),
    })),
  );
}

export const unsubscribeMessages = (topic: Topic): object[] =>
  named(topic).map((what) => ({ type: 'unsubscribe', ...what }));

export const sameTopic = (one: Topic, other: Topic): boolean =>
  JSON.stringify(named(one)) === JSON.stringify(named(other));
