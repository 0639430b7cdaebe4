/**
 * Parses the server's WebSocket messages and builds the client's. Pure. A message that cannot be parsed
 * becomes kind `unknown`; nothing is thrown. LiveEvents calls it.
 */
import type { Image, JobError, Status, Thumbnails } from '../api/types';

/** The state of a job: the fields that events, lists and upload responses have in common. */
export interface JobEvent {
  readonly job_id: string;
  readonly version: number;
  readonly status: Status;
  readonly batch_id: string | null;
  readonly name: string;
  readonly size: number;
  /** px after rotation to upright; null while unknown */
  readonly width: number | null;
  readonly height: number | null;
  readonly image: string | null;
  readonly thumbnails: Thumbnails | null;
  readonly error: JobError | null;
  readonly finished_at: string | null;
}

export type ServerMessage =
  | { readonly kind: 'events'; readonly events: readonly JobEvent[] }
  | { readonly kind: 'removed'; readonly jobId: string }
  | { readonly kind: 'snapshot'; readonly images: readonly Image[] }
  | { readonly kind: 'resync' }
  | { readonly kind: 'unknown' };

interface RawMessage {
  type?: string;
  job_id?: string;
  images?: unknown;
  cursor?: string;
}

/** @returns the message and its cursor, if any. A later subscribe sends the cursor as `since`. */
export function parseMessage(text: string): { message: ServerMessage; cursor: string | null } {
  let raw: RawMessage;
  try {
    raw = JSON.parse(text) as RawMessage;
  } catch (error) {
    if (error instanceof SyntaxError) return { message: { kind: 'unknown' }, cursor: null };
    throw error;
  }
  return { message: messageOf(raw), cursor: raw.cursor ?? null };
}

function messageOf(raw: RawMessage): ServerMessage {
  switch (raw.type) {
    case 'send_upload_notification':
      return { kind: 'events', events: [raw as unknown as JobEvent] };
    case 'send_upload_notifications':
      return { kind: 'events', events: (raw.images ?? []) as JobEvent[] };
    case 'snapshot':
      return { kind: 'snapshot', images: (raw.images ?? []) as Image[] };
    case 'removed':
      return raw.job_id === undefined ? { kind: 'unknown' } : { kind: 'removed', jobId: raw.job_id };
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

// The server accepts 64 KB per message. An id takes 39 bytes.
const IDS_PER_MESSAGE = 500;

/** The fields that name a topic in subscribe and unsubscribe messages, one object per message. */
function topicFields(topic: Topic): object[] {
  switch (topic.type) {
    case 'all':
      return [{ all: true }];
    case 'batch':
      return [{ batch_id: topic.id }];
    case 'jobs':
      return Array.from({ length: Math.ceil(topic.ids.length / IDS_PER_MESSAGE) }, (_, index) => ({
        job_ids: topic.ids.slice(index * IDS_PER_MESSAGE, (index + 1) * IDS_PER_MESSAGE),
      }));
  }
}

/** @param since the last received cursor. The server sends the changes since this cursor to subscribers of all images. */
export function subscribeMessages(topics: readonly Topic[], since: string | null): object[] {
  return topics.flatMap((topic) =>
    topicFields(topic).map((fields) => ({
      type: 'subscribe',
      ...fields,
      coalesce: true,
      ...(topic.type === 'all' && since !== null ? { since } : {}),
    })),
  );
}

export const unsubscribeMessages = (topic: Topic): object[] =>
  topicFields(topic).map((fields) => ({ type: 'unsubscribe', ...fields }));

export const isSameTopic = (a: Topic, b: Topic): boolean =>
  JSON.stringify(topicFields(a)) === JSON.stringify(topicFields(b));
