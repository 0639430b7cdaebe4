import { expect, test } from 'vitest';

import { nextPageUrl } from '../src/lib/api/link-header';

test('the next link is found among other links', () => {
  const header = '</api/list?a=1,2>; rel="prev", </api/list?cursor=x%2Cy>; title="n"; rel="next"';
  expect(nextPageUrl(header)).toBe('/api/list?cursor=x%2Cy');
  expect(nextPageUrl('</api/list>; rel="prev"')).toBeNull();
  expect(nextPageUrl(null)).toBeNull();
});
