/**
 * The router: shows the view of the URL, changes the URL through the History API, and restores the scroll
 * position of each history entry. Links are ordinary `<a href>`; `data-replace` replaces the history entry.
 */
import { tick } from 'svelte';

import { isInternalLink, routeOf, type Route } from './route';

class Router {
  /** the shown view; it changes once the view's code is loaded */
  route = $state.raw<Route>({ view: 'loading' });
  /** the URL query of the shown view, for example `?status=error`, or empty */
  query = $state(location.search);
  /** number of earlier history entries of this page; 0: "back" would leave the page */
  depth = $state(readState().depth);
  #scrollTo = 0;
  #load: (view: Route['view']) => Promise<void> = () => Promise.resolve();

  /** @param load loads the code of a view before it is shown */
  start(load: (view: Route['view']) => Promise<void>): void {
    this.#load = load;
    history.scrollRestoration = 'manual';
    window.addEventListener('popstate', () => {
      this.#scrollTo = readState().scroll;
      void this.#show();
    });
    window.addEventListener('pagehide', () => this.#saveScroll());
    document.addEventListener('click', (event) => {
      const link = (event.target as Element | null)?.closest('a');
      if (!link || !isInternalLink(link, event, location.origin)) return;
      event.preventDefault();
      this.go(link.pathname + link.search, { replace: link.dataset.replace !== undefined });
    });
    this.#scrollTo = readState().scroll;
    void this.#show();
  }

  /** @param replace replaces the current history entry instead of adding one */
  go(path: string, { replace = false } = {}): void {
    if (path === currentPath()) return window.scrollTo(0, 0);
    if (replace) history.replaceState({ depth: this.depth, scroll: 0 }, '', path);
    else {
      this.#saveScroll();
      history.pushState({ depth: this.depth + 1, scroll: 0 }, '', path);
    }
    this.#scrollTo = 0;
    void this.#show();
  }

  /** Goes back within this page, or to `fallback` if there is no earlier history entry of this page. */
  back(fallback: string): void {
    if (this.depth > 0) history.back();
    else this.go(fallback);
  }

  #saveScroll(): void {
    history.replaceState({ depth: this.depth, scroll: window.scrollY }, '');
  }

  async #show(): Promise<void> {
    this.depth = readState().depth;
    const path = currentPath();
    const route = routeOf(location.pathname);
    const query = location.search;
    await this.#load(route.view);
    // The URL has changed while the code was loading.
    if (path !== currentPath()) return;
    // If only the query has changed, the view is not created again, so that it keeps the focus.
    if (JSON.stringify(route) !== JSON.stringify(this.route)) this.route = route;
    this.query = query;
    await tick();
    if (this.#scrollTo > 0) await new Promise(requestAnimationFrame);
    window.scrollTo(0, this.#scrollTo);
  }
}

const currentPath = (): string => location.pathname + location.search;

function readState(): { depth: number; scroll: number } {
  const state = history.state as Partial<{ depth: number; scroll: number }> | null;
  return { depth: state?.depth ?? 0, scroll: state?.scroll ?? 0 };
}

export const router = new Router();
