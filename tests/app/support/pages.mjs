/* How to find one's way in a page: by roles and names, as people and screen readers do; nothing here depends on the markup below them.
   Runs in Node. */
import assert from 'node:assert/strict';

/** The page is drawn: it has its title, and nothing of it says that it is still loading. */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForFunction(() => {
    const busy = [...document.querySelectorAll('main [aria-busy="true"]')];
    const told = [...document.querySelectorAll('main [role="status"]')].filter((one) => one.textContent.trim().endsWith('…'));
    const editor = Number(/Loading editor/.test(document.body.innerText));
    return busy.length + told.length + editor === 0;
  });
}

/** What people read is text: no HTML names of characters, no names of texts in place of them, no values that were not filled in. */
export async function plainText(page) {
  const text = await page.locator('body').innerText();
  assert.doesNotMatch(text, /&(#\w+|amp|quot|lt|gt);|returned an object instead of string|\{\{\w+\}\}|\[object Object\]|\bundefined\b|\bNaN\b/);
}

/** The rows of the list of violations, without its header. */
export const rowsOf = (page) => page.getByTestId('violation-rows').getByRole('row');

/** Chooses in a field that offers a list, by the names of both; a field's description is part of its name. */
export async function chooseOption(page, field, option) {
  await page.getByRole('combobox', { name: new RegExp(`^${field}`) }).click();
  await page.getByRole('option', { name: option }).first().click();
  await page.keyboard.press('Escape');
}
