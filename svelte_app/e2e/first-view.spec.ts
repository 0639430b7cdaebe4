import { expect, test } from '@playwright/test';

test('the first view loads without layout shift, blocking scripts or requests to other hosts', async ({
  page,
}) => {
  await page.addInitScript(() => {
    const seen = { shift: 0, largest: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shift += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.largest = entry.startTime;
    }).observe({ type: 'largest-contentful-paint', buffered: true });
  });
  const hosts = new Set<string>();
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await page.goto('/');
  await expect(page.getByText(/^Files, whole folders.*each\.$/)).toBeVisible();
  const blocking = await page.evaluate(() =>
    [...document.scripts].filter((script) => script.type !== 'module' && !script.defer && !script.async),
  );
  expect(blocking).toEqual([]);
  expect([...hosts]).toEqual([new URL(page.url()).host]);
  const seen = (): Promise<{ shift: number; largest: number }> =>
    page.evaluate(() => (window as unknown as { seen: { shift: number; largest: number } }).seen);
  // The browser reports the paint some time after it.
  await expect.poll(async () => (await seen()).largest).toBeGreaterThan(0);
  const { shift, largest } = await seen();
  expect(shift).toBeLessThan(0.01);
  expect(largest).toBeLessThan(2_500);
});

test('the theme button selects a colour theme that persists after a reload', async ({ browser }) => {
  const page = await browser.newPage({ colorScheme: 'light' });
  await page.goto('/');
  const background = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole('button', { name: 'Colours: same as the system' }).click();
  expect(await background()).toBe(light);
  await page.getByRole('button', { name: 'Colours: light' }).click();
  await expect(page.getByRole('button', { name: 'Colours: dark' })).toBeVisible();
  expect(await background()).not.toBe(light);
  await page.reload();
  expect(await background()).not.toBe(light);
  await page.getByRole('button', { name: 'Colours: dark' }).click();
  expect(await background()).toBe(light);
  await page.close();
});
