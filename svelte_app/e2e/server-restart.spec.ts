import { expect, test } from '@playwright/test';

import { choose, corrupt, listImages, nameOf, openUpload, photos, progress } from './site';
import { OwnSite } from './own-site';
import { Relay } from './network-relay';

// The images of a dead worker are processed again when its lease expires. The default lease is 60 s.
const site = new OwnSite({
  LEASE_SECONDS: '10',
  RENDER_SECONDS: '8',
  SWEEP_SECONDS: '2',
  IDEMPOTENCY_LEASE_SECONDS: '10',
});
test.beforeAll(async () => {
  test.setTimeout(120_000);
  await site.start();
});
test.afterAll(() => site.end());

test('a batch completes after the web process and then the whole server were killed', async ({ page }) => {
  test.setTimeout(180_000);
  const good = photos(99, 'outlived');
  const bad = corrupt(nameOf('outlived', 999));
  const files = [...good.slice(0, 70), bad, ...good.slice(70)];
  const relay = await Relay.to(site.url);
  relay.rate = files.reduce((sum, { buffer }) => sum + buffer.length, 0) / 8;
  await openUpload(page, 'batch', relay.url);
  await choose(page, files);
  await relay.afterBytes(relay.rate * 2);
  site.killWeb();
  await expect(page.getByText('Trying again soon').first()).toBeVisible();
  relay.rate = Infinity;
  // Processing has started.
  await expect(progress(page).getByText(/^[1-9]\d* of 100 finished$/)).toBeVisible();
  await site.killAll();
  await expect(page.getByText('Reconnecting', { exact: true })).toBeVisible();
  await site.start();
  await expect(progress(page).getByText('99 photos finished, 1 could not be added.')).toBeVisible({
    timeout: 120_000,
  });
  await expect(page.getByRole('region', { name: '1 file could not be added' })).toContainText(bad.name);
  const names = (await listImages(page, 'outlived')).map(({ name }) => name);
  expect(names.sort()).toEqual(files.map(({ name }) => name).sort());
  relay.cut();
});
