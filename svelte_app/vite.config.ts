import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const backend = process.env.BACKEND ?? 'http://127.0.0.1:8000';
const proxiedPaths = ['/api', '/media', '/static', '/admin'];

export default defineConfig({
  plugins: [svelte()],
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      ...Object.fromEntries(proxiedPaths.map((path) => [path, { target: backend }])),
      '/ws': { target: backend, ws: true },
    },
  },
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    // Vite would inline small icons as data: URLs, which a strict Content-Security-Policy rejects.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
    // No test changes shared state, so one module graph serves all files: less than half the CPU time.
    isolate: false,
    pool: 'threads',
  },
});
