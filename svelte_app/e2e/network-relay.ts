/**
 * A TCP relay between browser and server that can limit the bandwidth, cut all connections and restore them.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export class Relay {
  #server: Server | null = null;
  #port = 0;
  #sockets = new Set<Socket>();
  #cutAt = Infinity;
  #onCut: () => void = () => undefined;
  /** bytes sent from browser to server so far */
  sent = 0;
  /** limit from browser to server in bytes per second */
  rate = Infinity;
  /** inspects data from the server; true cuts the network before the browser receives it */
  cutsOn: (response: Buffer) => boolean = () => false;

  private constructor(readonly target: URL) {}

  static async to(target: string): Promise<Relay> {
    const relay = new Relay(new URL(target));
    await relay.restore();
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Closes all connections and accepts no new ones. */
  cut(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Cuts the network when this many more bytes have been sent to the server, and resolves then. The relay itself
   * counts, so that a slow test does not cut too late: call it before the upload can start.
   */
  cutAfter(count: number): Promise<void> {
    this.#cutAt = this.sent + count;
    return new Promise((resolve) => (this.#onCut = resolve));
  }

  async restore(): Promise<void> {
    const server = createServer((browser) => this.#connect(browser));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Resolves when this many more bytes have been sent to the server. */
  async afterBytes(count: number): Promise<void> {
    const until = this.sent + count;
    while (this.sent < until) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #connect(browser: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const [one, other] of [
      [browser, server],
      [server, browser],
    ] as const) {
      this.#sockets.add(one);
      // Both ends are closed together.
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    browser.on('data', (bytes) => {
      this.sent += bytes.length;
      server.write(bytes);
      if (this.sent >= this.#cutAt) {
        this.#cutAt = Infinity;
        this.cut();
        this.#onCut();
        return;
      }
      if (this.rate === Infinity) return;
      browser.pause();
      setTimeout(() => browser.resume(), (bytes.length / this.rate) * 1000);
    });
    server.on('data', (bytes) => {
      if (this.cutsOn(bytes)) this.cut();
      else browser.write(bytes);
    });
  }
}
