import { expect, test, type CDPSession, type Page } from '@playwright/test';

import { drop, newFolder, writeFiles, openUpload, summaryOf, tiny } from './site';

const LONGEST_TASK_MS = 300;
const HEAP_GROWTH_BYTES = 20e6;

async function heapBytes(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  return usedSize;
}

/** Records the long tasks of the page's main thread. */
async function recordLongTasks(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const tasks: number[] = [];
    Object.assign(window, { tasks });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: 'longtask', buffered: true });
  });
}

test('1,000 files in one drop neither block the page nor leak memory', async ({ page }) => {
  test.setTimeout(180_000);
  await recordLongTasks(page);
  const files = tiny(1000, 'thousand');
  await openUpload(page, 'batch');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const cdp = await page.context().newCDPSession(page);
  const before = await heapBytes(cdp);
  const folder = newFolder();
  writeFiles(files, folder);
  await drop(page, [folder]);
  await expect(page.locator('.summary')).toHaveText(summaryOf(1000), { timeout: 150_000 });
  const growth = (await heapBytes(cdp)) - before;
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  const longest = Math.max(0, ...tasks);
  const measured = `longest task ${Math.round(longest)} ms, heap growth ${(growth / 1e6).toFixed(1)} MB`;
  test.info().annotations.push({ type: 'measured', description: measured });
  expect(longest, measured).toBeLessThan(LONGEST_TASK_MS);
  expect(growth, measured).toBeLessThan(HEAP_GROWTH_BYTES);
  // Only tiles near the viewport are rendered.
  expect(await page.getByTestId('tile').count()).toBeLessThan(80);
  await page.getByRole('button', { name: 'Clear finished' }).click();
  await expect(page.getByTestId('tile')).toHaveCount(0);
});
