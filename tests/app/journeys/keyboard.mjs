/* A rule created and saved without a mouse: Tab, letters and Ctrl+S only, in its text and in its fields, with the focus to be seen all the way. */
import assert from 'node:assert/strict';
import { holds } from '../support/editor.mjs';
import { tabTo } from '../support/keys.mjs';
import { settled } from '../support/pages.mjs';

const TEXT = 'trace.has(span.name == "retry")';

const inEditor = (now) => now.inEditor;

export default function keyboard({ run, inWindow, step }) {
  step('a rule is created and saved', () => inWindow({ upstream: 'write' }, async (session) => {
    const { page } = session;
    await session.goto('/rules');
    await settled(page);
    await tabTo(page, (now) => now.name === 'New rule');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/rules\/new$/);
    await page.locator('.monaco-editor .view-line').first().waitFor();
    await tabTo(page, inEditor);
    await page.keyboard.type(TEXT, { delay: 5 });
    await page.keyboard.press('Escape'); // closes what was suggested
    await holds(page, TEXT);
    await page.keyboard.press('Control+M');
    await tabTo(page, (now) => now.tag === 'input' && now.name.startsWith('Name'));
    await page.keyboard.type('Nobody tries again');
    await tabTo(page, inEditor, 'Shift+Tab');
    await page.getByText('The text is valid.').waitFor();
    await page.keyboard.press('Control+S');
    await page.waitForURL(/\/rules\/nobody-tries-again/);
    assert.equal((await run.services.write.get('/v1/rules/nobody-tries-again')).dsl, TEXT);
    await tabTo(page, (now) => now.tag === 'textarea' && now.name.startsWith('Description'));
    await page.keyboard.type('Read by who is paged');
    const stored = page.waitForResponse((response) => response.request().method() === 'PUT' && response.ok());
    await page.keyboard.press('Control+S');
    await stored;
    assert.equal((await run.services.write.get('/v1/rules/nobody-tries-again')).description, 'Read by who is paged');
  }));
}
