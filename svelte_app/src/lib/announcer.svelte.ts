/**
 * The text of the page's polite live region, which screen readers read out. Holds at most one waiting
 * sentence: a newer sentence replaces it.
 */

// A screen reader needs about 3 s for a sentence. A faster update would interrupt the previous sentence.
const MIN_INTERVAL_MS = 3_000;

class Announcer {
  text = $state('');
  #next: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  announce(sentence: string): void {
    this.#next = sentence;
    if (this.#timer === undefined) this.#publish();
  }

  #publish(): void {
    this.#timer = undefined;
    if (this.#next === null) return;
    this.text = this.#next;
    this.#next = null;
    this.#timer = setTimeout(() => this.#publish(), MIN_INTERVAL_MS);
  }
}

export const announcer = new Announcer();
