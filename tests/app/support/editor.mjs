/* The editor of rules in a page: writing in it, what it holds, and where it underlines. Runs in Node. */
import assert from 'node:assert/strict';

const editorOf = (page) => page.locator('.monaco-editor').first();

/** Puts the cursor into the editor once it can be written in. */
export async function enterEditor(page) {
  await editorOf(page).locator('.view-line').first().waitFor();
  await editorOf(page).locator('textarea').focus();
}

/** Replaces all of the text. */
export async function write(page, text) {
  await enterEditor(page);
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

/** What one reads in the editor, without any space: Monaco draws those as others, and breaks long lines as the window is wide. */
export async function written(page) {
  return (await editorOf(page).locator('.view-lines').innerText()).replace(/\s/g, '');
}

/** The whole text is this one, spaces aside, at the latest after a while: Monaco draws what was written in a later frame. */
export async function holds(page, wanted) {
  const bare = wanted.replace(/\s/g, '');
  const deadline = Date.now() + 20_000;
  for (let text = await written(page); text !== bare; text = await written(page)) {
    assert.ok(Date.now() < deadline, `the editor holds ${bare}; it shows ${text}`);
    await page.waitForTimeout(50);
  }
}

/** Puts the caret behind the beginning of a text of one line. */
export async function caretAfter(page, beginning) {
  await page.keyboard.press('Control+Home');
  for (let at = 0; at < beginning.length; at++) {
    await page.keyboard.press('ArrowRight');
  }
}

/** Runs in the page: the colour that each of these pieces is drawn in now. */
function drawn(wanted) {
  const tokens = [...document.querySelectorAll('.monaco-editor .view-line span > span')];
  const plain = (one) => one.textContent.replaceAll('\u00a0', ' ');
  const of = (piece) => tokens.find((one) => plain(one).trim() === piece) ?? tokens.find((one) => plain(one).includes(piece));
  return Object.fromEntries(wanted.map((piece) => [piece, of(piece) ? getComputedStyle(of(piece)).color : `${piece} is not there`]));
}

/** The colours of these pieces of the text, {piece: colour}, as soon as each has one of its own: the language is coloured line by line, after it
    was written. Those of that moment if that never comes. */
export async function colours(page, pieces) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const of = await page.evaluate(drawn, pieces);
    const all = Object.values(of);
    if ((new Set(all).size === pieces.length && !all.some((one) => one.endsWith('is not there'))) || Date.now() > deadline) {
      return of;
    }
    await page.waitForTimeout(50);
  }
}

/** Runs in the page: the text over the underlines of errors, by where both are drawn. A piece that is broken over two lines has two underlines. */
function overUnderlines() {
  const lines = [...document.querySelectorAll('.monaco-editor .view-line')];
  const overOne = (underline) => {
    const mark = underline.getBoundingClientRect();
    const line = lines.find((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return mark.bottom > top && mark.bottom <= bottom + 1;
    });
    let text = '';
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (let at = 0; at < node.data.length; at++) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const { left, right } = range.getBoundingClientRect();
        const middle = (left + right) / 2;
        text += middle > mark.left && middle < mark.right ? node.data[at] : '';
      }
    }
    return text.replaceAll('\u00a0', ' ');
  };
  const topOf = (one) => one.getBoundingClientRect().top;
  return [...document.querySelectorAll('.monaco-editor .squiggly-error')].sort((a, b) => topOf(a) - topOf(b)).map(overOne).join('');
}

/** What text is underlined as the one error of the editor. */
export async function underlined(page) {
  await editorOf(page).locator('.squiggly-error').first().waitFor();
  return page.evaluate(overUnderlines);
}

/** The piece of a text that a diagnostic of the service is about; its places count UTF-16 units from 1. */
export function pieceOf(text, { position }) {
  assert.equal(position.start_line, position.end_line);
  return text.split('\n')[position.start_line - 1].slice(position.start_column - 1, position.end_column - 1);
}
