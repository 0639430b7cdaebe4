/**
 * A site of a spec's own, to be killed or set up as the one that all share must not be. From the
 * environment: PYTHON, with the server's packages (by default the environment that `make` installs).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SERVER = resolve('../django_server');
const PYTHON = process.env.PYTHON ?? resolve('../.venv/bin/python');
const READY_MS = 90_000;
const GONE_MS = 10_000;

export class OwnSite {
  readonly #data = mkdtempSync(join(tmpdir(), 'page-site-'));
  readonly #settings: Record<string, string>;
  #port = 0;
  #process: ChildProcess | null = null;

  constructor(settings: Record<string, string> = {}) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, or starts it again: the same data at the same address. */
  async start(): Promise<void> {
    this.#port ||= await freePort();
    // On a leash: it ends with this process, however that ends.
    const leash = ['-IS', 'tests/support/servers/leash.py', '15', String(process.pid), ''];
    const site = spawn(PYTHON, [...leash, PYTHON, 'manage.py', 'serve'], {
      cwd: SERVER,
      env: { ...process.env, ...this.#settings, DATA_DIR: this.#data, PORT: String(this.#port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = site;
    let said = '';
    await new Promise<void>((ready, failed) => {
      const timer = setTimeout(() => failed(new Error(`The site is not ready:\n${said}`)), READY_MS);
      const hear = (bytes: Buffer): void => {
        said += bytes.toString();
        if (!said.includes('is ready: ')) return;
        clearTimeout(timer);
        ready();
      };
      site.stdout.on('data', hear);
      site.stderr.on('data', hear);
    });
  }

  /** kill -9 of the web process alone; whoever supervises it starts another. */
  killWeb(): void {
    const web = this.#processes().find((pid) => commandOf(pid).includes('config.asgi:application'));
    if (web === undefined) throw new Error('The site has no web process.');
    process.kill(web, 'SIGKILL');
  }

  /** kill -9 of everything: web, worker, sweeper, Redis and their supervisor. */
  async killAll(): Promise<void> {
    const pids = this.#processes();
    for (const pid of pids) kill(pid);
    const deadline = Date.now() + GONE_MS;
    while (pids.some(isAlive) && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 50));
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    await this.killAll();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** The site's own process first, then all below it. */
  #processes(): number[] {
    const found = [this.#process?.pid ?? 0].filter((pid) => pid > 0);
    // Children are appended while the list is walked.
    for (const parent of found) found.push(...childrenOf(parent));
    return found;
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const status = read(`/proc/${pid}/stat`);
      // After the name, which may hold anything: state, parent.
      return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    })
    .map(Number);
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/stat`);
  return status !== '' && !status.slice(status.lastIndexOf(')')).startsWith(') Z');
}

/** Of a process that has just ended there is nothing to read, and nothing to kill. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
