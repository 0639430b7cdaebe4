/**
 * What a screen reader is told, politely and not too often: the latest sentence wins.
 */

// Speaking one sentence takes about this long; faster ones would cut each other off.
const EVERY_MS = 3_000;

class Announcer {
  text = $state('');
  #next: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(sentence: string): void {
    this.#next = sentence;
    if (this.#timer === undefined) this.#speak();
  }

  #speak(): void {
    this.#timer = undefined;
    if (this.#next === null) return;
    this.text = this.#next;
    this.#next = null;
    this.#timer = setTimeout(() => this.#speak(), EVERY_MS);
  }
}

export const announcer = new Announcer();
