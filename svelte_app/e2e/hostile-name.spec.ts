import { expect, test } from '@playwright/test';

import { choose, openUpload, photos, gridImage, tile, type Mode } from './site';

// Without quotation marks, which browsers encode as %22, and slashes, which separate folders.
const HOSTILE = `<img src=x onerror=window.ran=1><svg onload=window.ran=2>${Date.now()}.jpg`;

for (const mode of ['sync', 'batch'] satisfies Mode[]) {
  test(`a file name with markup, sent in ${mode} mode, is shown as text and runs no script`, async ({
    page,
  }) => {
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const name = `${mode}-${HOSTILE}`;
    const [photo] = photos(1, 'hostile');
    if (!photo) throw new Error('no sample');
    await openUpload(page, mode);
    await choose(page, [{ ...photo, name }]);
    await expect(tile(page, name)).toHaveAttribute('data-kind', 'finished', { timeout: 60_000 });
    await page.getByRole('link', { name: 'Gallery', exact: true }).click();
    await gridImage(page, name).click();
    await expect(page.getByText(name).first()).toBeVisible();
    expect(await page.evaluate(() => 'ran' in window)).toBe(false);
    expect(await page.locator('img[src="x"], svg[onload]').count()).toBe(0);
    expect(dialogs).toEqual([]);
  });
}
