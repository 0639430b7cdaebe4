/**
 * A separate site for specs that kill the server or change its settings. Environment variable: PYTHON, an
 * interpreter with the server's packages (default: the virtual environment of `make`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SERVER = resolve('../django_server');
const PYTHON = process.env.PYTHON ?? resolve('../.venv/bin/python');
const READY_MS = 90_000;
const EXIT_MS = 10_000;

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

  /** Starts or restarts the site, with the same data and the same URL. */
  async start(): Promise<void> {
    this.#port ||= await freePort();
    // leash.py stops the site when this process ends, even after a crash.
    const leash = ['-IS', 'tests/support/servers/leash.py', '15', String(process.pid), ''];
    const site = spawn(PYTHON, [...leash, PYTHON, 'manage.py', 'serve'], {
      cwd: SERVER,
      env: { ...process.env, ...this.#settings, DATA_DIR: this.#data, PORT: String(this.#port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = site;
    let output = '';
    await new Promise<void>((ready, failed) => {
      const timer = setTimeout(() => failed(new Error(`The site is not ready:\n${output}`)), READY_MS);
      const collect = (bytes: Buffer): void => {
        output += bytes.toString();
        if (!output.includes('is ready: ')) return;
        clearTimeout(timer);
        ready();
      };
      site.stdout.on('data', collect);
      site.stderr.on('data', collect);
    });
  }

  /** Kills the web process with SIGKILL. Its supervisor starts a new one. */
  killWeb(): void {
    const web = this.#processes().find((pid) => commandOf(pid).includes('config.asgi:application'));
    if (web === undefined) throw new Error('The site has no web process.');
    process.kill(web, 'SIGKILL');
  }

  /** Kills all processes with SIGKILL: web, worker, sweeper, Redis and their supervisor. */
  async killAll(): Promise<void> {
    const pids = this.#processes();
    for (const pid of pids) kill(pid);
    const deadline = Date.now() + EXIT_MS;
    while (pids.some(isAlive) && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 50));
  }

  /** Kills the site and deletes its data. */
  async end(): Promise<void> {
    await this.killAll();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** The pids of the supervisor and of all its descendants. */
  #processes(): number[] {
    const found = [this.#process?.pid ?? 0].filter((pid) => pid > 0);
    // The loop also visits the children that it appends.
    for (const parent of found) found.push(...childrenOf(parent));
    return found;
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const status = read(`/proc/${pid}/stat`);
      // The process name may contain any character. After its last ")" follow the state and the parent's pid.
      return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    })
    .map(Number);
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/stat`);
  return status !== '' && !status.slice(status.lastIndexOf(')')).startsWith(') Z');
}

/** Returns '' if the process has ended meanwhile. */
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
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
