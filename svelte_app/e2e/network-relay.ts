/**
 * A network that can be slow, be cut and come back: a TCP relay between browser and server.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export class Relay {
  #server: Server | null = null;
  #port = 0;
  #sockets = new Set<Socket>();
  /** bytes from browser to server, so far */
  sent = 0;
  /** from browser to server, bytes a second; Infinity: as fast as it goes */
  rate = Infinity;
  /** looks at what the server says; true cuts the network before the browser hears it */
  cutsOn: (answer: Buffer) => boolean = () => false;

  private constructor(readonly target: URL) {}

  static async to(target: string): Promise<Relay> {
    const relay = new Relay(new URL(target));
    await relay.restore();
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Every connection dies, and none is taken. */
  cut(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  async restore(): Promise<void> {
    const server = createServer((browser) => this.#join(browser));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Resolves when so many more bytes have gone to the server. */
  async afterBytes(count: number): Promise<void> {
    const until = this.sent + count;
    while (this.sent < until) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #join(browser: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const [one, other] of [
      [browser, server],
      [server, browser],
    ] as const) {
      this.#sockets.add(one);
      // A cut shows as an error on either side; both ends die together.
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    browser.on('data', (bytes) => {
      this.sent += bytes.length;
      server.write(bytes);
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
