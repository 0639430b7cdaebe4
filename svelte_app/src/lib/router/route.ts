/**
 * Which view a path means. Pure; the router and the tests call it.
 */

export type Route =
  | { readonly view: 'upload' }
  | { readonly view: 'gallery' }
  | { readonly view: 'image'; readonly id: string }
  | { readonly view: 'batch'; readonly id: string }
  | { readonly view: 'unknown' }
  /** nothing is known yet: the first view's code is on its way */
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

/** What a browser must do by itself: other buttons, new tabs, downloads, other sites, the server's pages. */
export function isInternalLink(link: HTMLAnchorElement, event: MouseEvent, origin: string): boolean {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return (
    plain &&
    !event.defaultPrevented &&
    link.origin === origin &&
    link.target === '' &&
    !link.hasAttribute('download') &&
    routeOf(link.pathname).view !== 'unknown'
  );
}
