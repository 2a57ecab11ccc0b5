/* What the editor does while one writes: it colours the language in both themes, completes names that the traces have, explains a word, lays the text
   out, writes a fix, and says what would be asked of Tempo. Each is held against what the service answers. */
import assert from 'node:assert/strict';
import { caretAfter, colours, write, holds } from '../support/editor.mjs';
import { RULES } from '../support/world.mjs';

const GUARD = ' && duration <= 9223372036854775807ns';
const suggestions = (page) => page.locator('.suggest-widget.visible .monaco-list-row');
const bare = (text) => text.replace(/\s/g, '');

async function open(session) {
  await session.goto('/rules/new');
}

export default function editor({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`words, texts, numbers and comments have colours of their own (${theme})`, () => inWindow({ theme }, async (session) => {
      await open(session);
      await write(session.page, '# a comment\ntrace.has(span.name == "db.query" and span.duration > 1s)');
      const of = await colours(session.page, ['# a comment', '"db.query"', 'and', '1s', '(']);
      assert.equal(new Set(Object.values(of)).size, 5, JSON.stringify(of));
      await session.shot('editor-colours');
    }));
  }

  step('names of spans and values of attributes come from the traces', () => inWindow({}, async (session) => {
    const { page } = session;
    await open(session);
    for (const [before, value] of [['trace.has(span.name == "', 'payment.process'], ['trace.has(span.attributes["data.classification"] == "', 'PII']]) {
      const { items } = await run.services.main.post('/v1/dsl/complete', { dsl: `${before}")`, line: 1, column: before.length + 1 });
      assert.ok(items.some((item) => item.label === value), `the service knows ${value}`);
      await write(page, `${before}")`);
      await caretAfter(page, before);
      await page.keyboard.press('Control+Space');
      await suggestions(page).filter({ hasText: value }).first().waitFor();
      await session.shot(`editor-completes-${value.toLowerCase()}`);
      await page.keyboard.type(value.slice(0, 3));
      await suggestions(page).filter({ hasText: value }).first().click();
      await holds(page, `${before}${value}")`);
    }
  }));

  step('a word is explained where the caret is', () => inWindow({}, async (session) => {
    const { page } = session;
    const text = 'trace.has(span.name == "x")';
    const { signature } = await run.services.main.post('/v1/dsl/hover', { dsl: text, line: 1, column: 8 });
    await open(session);
    await write(page, text);
    await caretAfter(page, 'trace.h');
    await page.keyboard.press('Control+K');
    await page.keyboard.press('Control+I');
    const hover = page.locator('.monaco-hover:not(.hidden)').first();
    await hover.waitFor();
    assert.ok(bare(await hover.innerText()).includes(bare(signature)), `${await hover.innerText()} has ${signature}`);
    await session.shot('editor-explains');
  }));

  step('the text is laid out as the service does, by button and by keys', () => inWindow({}, async (session) => {
    const { page } = session;
    const text = 'trace.has(   span.name=="retry"   )  and   not trace.has(span.name=="x")';
    const { formatted } = await run.services.main.post('/v1/dsl/format', { dsl: text });
    assert.notEqual(formatted, text);
    const lines = async () => (await page.locator('.monaco-editor .view-line').allInnerTexts()).join('\n').replaceAll('\u00a0', ' ').trim();
    await page.setViewportSize({ width: 1920, height: 900 }); // so that no line is broken to fit
    await open(session);
    for (const go of [() => page.getByRole('button', { name: 'Format' }).click(), () => page.keyboard.press('Shift+Alt+F')]) {
      await write(page, text);
      await page.getByText('The text is valid.').waitFor();
      await go();
      await page.waitForFunction((wanted) => [...document.querySelectorAll('.monaco-editor .view-line')].map((one) => one.innerText).join('\n').replaceAll('\u00a0', ' ').trim() === wanted, formatted.trim());
      assert.equal(await lines(), formatted.trim());
    }
  }));

  step('a fix that the service knows is written by one click, and by the keys of the editor', () => inWindow({}, async (session) => {
    const { page } = session;
    const text = 'when { checkout } alwyas { fraud-check }';
    const { diagnostics: [{ fix }] } = await run.services.main.post('/v1/rules/validate', { dsl: text });
    const mended = text.slice(0, fix.range.start) + fix.text + text.slice(fix.range.end);
    const isMended = () => page.waitForFunction((wanted) => document.querySelector('.monaco-editor .view-lines').innerText.replace(/\s/g, '') === wanted, bare(mended));
    await open(session);
    await write(page, text);
    await page.getByRole('button', { name: `Write ${fix.text}` }).click();
    await isMended();
    await write(page, text);
    await page.locator('.squiggly-error').first().waitFor();
    await caretAfter(page, text.slice(0, fix.range.start + 1));
    await page.keyboard.press('Control+.');
    await page.getByText(`→ ${fix.text}`).first().waitFor();
    await page.keyboard.press('Enter');
    await isMended();
  }));

  step('what would be asked of Tempo is said before anything is saved', () => inWindow({}, async (session) => {
    const { page } = session;
    await open(session);
    await write(page, RULES.slowDb.dsl);
    const { explain } = await run.services.main.post('/v1/rules/validate', { dsl: RULES.slowDb.dsl });
    assert.ok(explain.searched.length > 0);
    assert.ok(explain.searched.some((query) => query.includes(GUARD)), 'the guard of durations is in what is asked');
    await page.getByText(/Tempo is asked for/).or(page.getByText(/BeTrace asks Tempo for/)).first().waitFor();
    await page.getByRole('button', { name: 'What Tempo is asked, in TraceQL' }).click();
    for (const query of explain.searched) {
      await page.getByText(query.replaceAll(GUARD, ''), { exact: true }).first().waitFor();
    }
    assert.equal(await page.getByText('9223372036854775807').count(), 0, 'and nobody has to read it');
  }));
}
