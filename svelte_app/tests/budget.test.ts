import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from 'vitest';

// What a phone on a slow line loads before it shows the first view: two seconds at 120 kbit/s.
const BUDGET_BYTES = 30_000;

let built: string;
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'page-built-'));
  const vite = join('node_modules', '.bin', 'vite');
  execFileSync(vite, ['build', '--outDir', built, '--emptyOutDir', '--logLevel', 'error'], {
    // Not vitest's own "test", which would build the checks of development in.
    env: { ...process.env, NODE_ENV: 'production' },
  });
}, 120_000);
afterAll(() => rmSync(built, { recursive: true, force: true }));

/** The scripts a first visit loads: those the HTML names, and what they import before they run. */
function firstScripts(): string[] {
  const html = readFileSync(join(built, 'index.html'), 'utf8');
  const found = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, path]) => path ?? '');
  for (const path of found) {
    const code = readFileSync(join(built, path), 'utf8');
    for (const [, name] of code.matchAll(/(?:from|^import|;import)\s*["']\.\/([^"']+\.js)["']/g)) {
      const imported = `assets/${name ?? ''}`;
      if (!found.includes(imported)) found.push(imported);
    }
  }
  return found;
}

test('the first view takes at most 30 kB of JavaScript, compressed', () => {
  const scripts = firstScripts();
  expect(scripts.length).toBeGreaterThan(0);
  const bytes = scripts.map((path) => gzipSync(readFileSync(join(built, path))).length);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(BUDGET_BYTES);
});
