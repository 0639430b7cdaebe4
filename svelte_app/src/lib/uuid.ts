/**
 * Random UUIDs (version 4). `crypto.randomUUID` exists only in secure contexts. A phone on the LAN opens the
 * page over plain HTTP, where `getRandomValues` still works.
 */
export function uuid(): string {
  const raw = crypto.getRandomValues(new Uint8Array(16));
  raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40; // version 4
  raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80; // RFC 9562 variant
  const hex = Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
