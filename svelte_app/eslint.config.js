import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'test-results/', 'playwright-report/', 'src/lib/api/schema.d.ts'] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
  },
  {
    rules: {
      eqeqeq: 'error',
      // Private maps and sets are book-keeping and not reactive on purpose: a proxy per entry costs a frame.
      'svelte/prefer-svelte-reactivity': 'off',
      // Own members are written #name: no state of a class leaks by accident.
      'no-restricted-syntax': [
        'error',
        { selector: "PropertyDefinition[accessibility='private']", message: 'Use #name.' },
      ],
    },
  },
  { files: ['**/*.config.{js,ts}', 'e2e/**'], languageOptions: { globals: { ...globals.node } } },
);
