/**
 * Reads the `Link` header the lists page with (RFC 8288). Pure; called by the API client.
 */

const NEXT = /<([^>]*)>\s*;[^,<]*\brel\s*=\s*"?next"?/i;

/** The address of the next page, or null when this was the last. */
export function nextPageUrl(header: string | null): string | null {
  return header?.match(NEXT)?.[1] ?? null;
}
