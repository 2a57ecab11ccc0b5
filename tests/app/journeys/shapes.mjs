/* The form of common rules: what it writes always checks, whatever the names are; it follows the text, and it completes names that the traces have.
   Runs in Node; the module of the shapes too, without a browser. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { APP, tool } from '../../../grafana-betrace-app/harness/tools.mjs';
import { weightyFaults } from '../support/axe.mjs';
import { write, holds } from '../support/editor.mjs';

const CASES = 200;
const PIECES = ['a', 'Z', '0', '.', '-', '_', ' ', '"', '\\', '\n', '\t', '\u0001', '{', '}', '(', ')', '#', '//', '`', "'", 'ü', '日', '🙂', 'when', 'as', 'it', 'span', 'count', 'true', 'not', 'first', 'within', 'GET /x'];
const TIMES = ['1ns', '20us', '500ms', '5s', '1m30s', '1.5s', '2h', '1d'];
const bare = (text) => text.replace(/\s/g, '');

async function loadShapes() {
  const { transpileModule, ModuleKind, ScriptTarget } = tool('typescript');
  const source = fs.readFileSync(path.join(APP, 'src/rules/shapes.ts'), 'utf8');
  const { outputText } = transpileModule(source, { compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 } });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

/** The same numbers in every run. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export default function shapes({ run, inWindow, step }) {
  step(`${CASES} rules of random names check without a complaint, and are read back`, async () => {
    const { SHAPES, shapeOf, textOf } = await loadShapes();
    const { main } = run.services;
    const { words: known, reserved } = await main.get('/v1/dsl/language');
    const words = new Set([...reserved, ...known.flatMap(({ name }) => name.split(/[ .]/))].map((word) => word.toLowerCase()));
    const pick = numbers(31);
    const name = () => Array.from({ length: 1 + pick(4) }, () => PIECES[pick(PIECES.length)]).join('');
    for (let at = 0; at < CASES; at++) {
      const fields = { kind: SHAPES[at % SHAPES.length], a: name(), b: name(), limit: String(pick(1e6)), time: TIMES[pick(TIMES.length)] };
      const text = textOf(fields, words);
      const { valid, diagnostics } = await main.post('/v1/rules/validate', { dsl: text });
      assert.ok(valid, `${JSON.stringify(fields)} writes ${text}: ${JSON.stringify(diagnostics)}`);
      const back = shapeOf(text, words);
      assert.equal(back?.kind, fields.kind, text);
      assert.equal(textOf(back, words), text);
      const { formatted } = await main.post('/v1/dsl/format', { dsl: text });
      const laidOut = shapeOf(formatted, words);
      assert.equal(laidOut && textOf({ ...laidOut, time: fields.time }, words), text, `as the service lays it out: ${formatted}`); // it writes 1.5s as 1500ms
    }
  });

  for (const theme of ['dark', 'light']) {
    step(`the form writes the text, and the text fills the form (${theme})`, () => inWindow({ theme }, async (session) => {
      const { page } = session;
      const form = page.getByRole('region', { name: 'Form for common rules' });
      await session.goto('/rules/new');
      await page.locator('.monaco-editor .view-line').first().waitFor();
      await form.getByLabel('Where there is').fill('payment.process');
      await form.getByLabel('there must be').fill('GET /x "y"');
      await form.getByText('Every trace that has “payment.process” must also have “GET /x "y"”.').waitFor();
      await page.getByText('The text is valid.').waitFor();
      await holds(page, 'when { payment.process } always { "GET /x \\"y\\"" }');
      assert.ok((await form.locator('datalist option').evaluateAll((options) => options.map((one) => one.value))).includes('payment.process'), 'names of the traces');
      assert.deepEqual(await weightyFaults(page), [], 'axe on the form');
      await session.shot('editor-form');

      await write(page, 'when { a as x } always { b after x within 5s }');
      await form.getByText('After every “a” there must be “b” within 5s, in the same trace.').waitFor();
      assert.equal(await form.getByLabel('Within').inputValue(), '5s');
      await write(page, 'trace.has(span.duration > 1s)');
      await form.getByText(/The text is freer than this form/).waitFor();
      await session.shot('editor-form-freer');
    }));
  }
}
