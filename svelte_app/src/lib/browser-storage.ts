/**
 * What the browser keeps for the page: for this tab, or for good. A browser told to keep nothing throws
 * at the mere look; the page then does without.
 */

type Place = 'sessionStorage' | 'localStorage';

export function recall(place: Place, name: string): string | null {
  try {
    return (globalThis[place] as Storage | undefined)?.getItem(name) ?? null;
  } catch (fault) {
    if (fault instanceof DOMException) return null;
    throw fault;
  }
}

export function keep(place: Place, name: string, value: string): void {
  try {
    globalThis[place].setItem(name, value);
  } catch (fault) {
    if (!(fault instanceof DOMException)) throw fault;
  }
}
