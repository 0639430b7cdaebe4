/**
 * Access to sessionStorage and localStorage. A browser that blocks storage throws on access; the page then
 * works without stored values.
 */

type Area = 'sessionStorage' | 'localStorage';

export function readStored(area: Area, key: string): string | null {
  try {
    return (globalThis[area] as Storage | undefined)?.getItem(key) ?? null;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

export function writeStored(area: Area, key: string, value: string): void {
  try {
    globalThis[area].setItem(key, value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
