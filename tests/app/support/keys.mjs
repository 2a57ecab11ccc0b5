/* Finding one's way by Tab alone: what has the focus, and whether it can be seen. Runs in Node. */
import assert from 'node:assert/strict';

const MOST_TABS = 80;

/** What has the focus: its role or tag, the name that it goes by, and whether something of it is in view. */
export const focused = (page) => page.evaluate(() => {
  const one = document.activeElement;
  const label = one.labels?.[0]?.textContent ?? '';
  const { top, bottom, left, right } = one.getBoundingClientRect();
  return {
    tag: one.tagName.toLowerCase(), role: one.getAttribute('role') ?? '', name: (one.getAttribute('aria-label') ?? (label || one.textContent) ?? '').trim(),
    inEditor: Boolean(one.closest('.monaco-editor')), isInView: bottom > 0 && right > 0 && top < window.innerHeight && left < window.innerWidth,
  };
});

/** Presses Tab until what has the focus is wanted. */
export async function tabTo(page, wanted, key = 'Tab') {
  const seen = [];
  for (let at = 0; at < MOST_TABS; at++) {
    await page.keyboard.press(key);
    const now = await focused(page);
    if (wanted(now)) {
      return now;
    }
    seen.push(`${now.tag} ${now.name.slice(0, 30)}`);
  }
  throw new assert.AssertionError({ message: `not reached by ${key}; passed ${seen.join(' | ')}` });
}

/** Types into the field that has the focus, each letter when the one before can be seen: as people do who look. A field of Grafana's that offers several
    choices takes a letter over a moment after it was drawn, in its version 12.4, and on a slow machine loses those that come meanwhile. */
export async function typeSeen(page, text) {
  for (const [at, letter] of [...text].entries()) {
    await page.keyboard.type(letter);
    await page.waitForFunction((wanted) => document.activeElement.value === wanted, text.slice(0, at + 1));
  }
}
