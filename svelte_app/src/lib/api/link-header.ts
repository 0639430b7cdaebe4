/**
 * Parses the HTTP `Link` header (RFC 8288) that paginates the lists. Pure. The API client calls it.
 */

const NEXT = /<([^>]*)>\s*;[^,<]*\brel\s*=\s*"?next"?/i;

/** The URL of the next page, or null on the last page. */
export function nextPageUrl(header: string | null): string | null {
  return header?.match(NEXT)?.[1] ?? null;
}
