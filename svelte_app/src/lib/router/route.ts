/**
 * Maps URL paths to views, and decides which link clicks the page handles. Pure. The router calls it.
 */

export type Route =
  | { readonly view: 'upload' }
  | { readonly view: 'gallery' }
  | { readonly view: 'image'; readonly id: string }
  | { readonly view: 'batch'; readonly id: string }
  | { readonly view: 'unknown' }
  /** the code of the first view is loading */
  | { readonly view: 'loading' };

export function routeOf(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second] = parts;
  if (first === undefined) return { view: 'upload' };
  if (parts.length === 1 && first === 'gallery') return { view: 'gallery' };
  if (parts.length === 2 && second !== undefined) {
    if (first === 'images') return { view: 'image', id: second };
    if (first === 'batches') return { view: 'batch', id: second };
  }
  return { view: 'unknown' };
}

/**
 * Whether the router handles a click on a link. The browser handles modified clicks, other buttons, new tabs,
 * downloads, other origins and the server's own pages.
 */
export function isInternalLink(link: HTMLAnchorElement, event: MouseEvent, origin: string): boolean {
  const isPlainClick =
    event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return (
    isPlainClick &&
    !event.defaultPrevented &&
    link.origin === origin &&
    link.target === '' &&
    !link.hasAttribute('download') &&
    routeOf(link.pathname).view !== 'unknown'
  );
}
