/**
 * The address bar and the view, kept in step through the History API. Remembers where each entry was
 * scrolled to. Views read `route`; links are ordinary links.
 */
import { tick } from 'svelte';

import { isInternalLink, routeOf, type Route } from './route';

class Router {
  /** the view that is shown; it changes once the view's code is there */
  route = $state.raw<Route>({ view: 'loading' });
  /** the address's query, as of the view that is shown: `?status=error`, or empty */
  query = $state(location.search);
  /** how many steps of ours lie behind: whether "back" stays inside the page */
  depth = $state(stateOf().depth);
  #scrollTo = 0;
  #load: (view: Route['view']) => Promise<void> = () => Promise.resolve();

  /** @param load brings the code of a view; the address is shown when it is there */
  start(load: (view: Route['view']) => Promise<void>): void {
    this.#load = load;
    history.scrollRestoration = 'manual';
    window.addEventListener('popstate', () => {
      this.#scrollTo = stateOf().scroll;
      void this.#show();
    });
    window.addEventListener('pagehide', () => this.#remember());
    document.addEventListener('click', (event) => {
      const link = (event.target as Element | null)?.closest('a');
      if (!link || !isInternalLink(link, event, location.origin)) return;
      event.preventDefault();
      this.go(link.pathname + link.search, { replace: link.dataset.replace !== undefined });
    });
    this.#scrollTo = stateOf().scroll;
    void this.#show();
  }

  /** @param replace a step sideways: "back" then leads to where the entry before led */
  go(path: string, { replace = false } = {}): void {
    if (path === here()) return window.scrollTo(0, 0);
    if (replace) history.replaceState({ depth: this.depth, scroll: 0 }, '', path);
    else {
      this.#remember();
      history.pushState({ depth: this.depth + 1, scroll: 0 }, '', path);
    }
    this.#scrollTo = 0;
    void this.#show();
  }

  /** To where the reader came from, if that was a view of ours; else to the path given. */
  back(otherwise: string): void {
    if (this.depth > 0) history.back();
    else this.go(otherwise);
  }

  #remember(): void {
    history.replaceState({ depth: this.depth, scroll: window.scrollY }, '');
  }

  async #show(): Promise<void> {
    this.depth = stateOf().depth;
    const path = here();
    const route = routeOf(location.pathname);
    const query = location.search;
    await this.#load(route.view);
    // Another address was asked for while the code came.
    if (path !== here()) return;
    // The same view with another query stays as it is, its focus and all.
    if (JSON.stringify(route) !== JSON.stringify(this.route)) this.route = route;
    this.query = query;
    await tick();
    if (this.#scrollTo > 0) await new Promise(requestAnimationFrame);
    window.scrollTo(0, this.#scrollTo);
  }
}

const here = (): string => location.pathname + location.search;

function stateOf(): { depth: number; scroll: number } {
  const state = history.state as Partial<{ depth: number; scroll: number }> | null;
  return { depth: state?.depth ?? 0, scroll: state?.scroll ?? 0 };
}

export const router = new Router();
