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
      // Private maps and sets are not reactive on purpose: a proxy per entry makes long lists slow.
      'svelte/prefer-svelte-reactivity': 'off',
      // Private members are written #name, which is enforced at run time too.
      'no-restricted-syntax': [
        'error',
        { selector: "PropertyDefinition[accessibility='private']", message: 'Use #name.' },
      ],
    },
  },
  { files: ['**/*.config.{js,ts}', 'e2e/**'], languageOptions: { globals: { ...globals.node } } },
);
