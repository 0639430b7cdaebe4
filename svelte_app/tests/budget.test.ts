import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from 'vitest';

// A phone loads these scripts before it shows the first view. 30 kB take two seconds on a line of 120 kbit/s.
const BUDGET_BYTES = 30_000;

let built: string;
beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'page-built-'));
  const vite = join('node_modules', '.bin', 'vite');
  execFileSync(vite, ['build', '--outDir', built, '--emptyOutDir', '--logLevel', 'error'], {
    // vitest sets NODE_ENV to "test", with which Vite would include development checks.
    env: { ...process.env, NODE_ENV: 'production' },
  });
}, 120_000);
afterAll(() => rmSync(built, { recursive: true, force: true }));

/** The scripts of the first view: those in the HTML and their static imports, recursively. */
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

test('the first view loads at most 30 kB of compressed JavaScript', () => {
  const scripts = firstScripts();
  expect(scripts.length).toBeGreaterThan(0);
  const bytes = scripts.map((path) => gzipSync(readFileSync(join(built, path))).length);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(BUDGET_BYTES);
});
