// What Monaco is told of the language, with a Monaco of a few lines: one registration, answers to the editor that asked, quiet failures.
import { createApi } from '../api/client';
import type { Language } from '../api/types';
import { createStubHost, problem, type Handlers } from '../test/host';
import { LANGUAGE_ID } from './language';
import { questionsOf } from './questions';
import { attach, registerLanguage } from './register';

// a Monaco of a few lines: the real one does not run in jsdom, and is driven in harness/
function fakeMonaco() {
  const providers: Record<string, any> = {};
  const registered: Array<{ id: string }> = [];
  const languages = {
    getLanguages: () => registered,
    register: jest.fn((language: { id: string }) => registered.push(language)),
    setMonarchTokensProvider: jest.fn(),
    setLanguageConfiguration: jest.fn(),
    registerCompletionItemProvider: (_id: string, provider: any) => (providers.completion = provider),
    registerHoverProvider: (_id: string, provider: any) => (providers.hover = provider),
    registerCodeActionProvider: (_id: string, provider: any) => (providers.fixes = provider),
    CompletionItemKind: new Proxy({}, { get: (_target, name) => name }),
  };
  return { monaco: { languages } as any, languages, providers };
}

const model = (address: string, text: string) =>
  ({
    uri: { toString: () => address },
    getValue: () => text,
    getPositionAt: (offset: number) => ({ lineNumber: 1, column: offset + 1 }),
  }) as any;
const editorOf = (one: any) => ({ getModel: () => one }) as any;
const token = { onCancellationRequested: () => undefined };

const LANGUAGE = { words: [], tokens: [], comments: { line: ['#'], block: ['/*', '*/'] }, brackets: [] } as unknown as Language;
const range = { start: 0, end: 2, start_line: 1, start_column: 1, end_line: 1, end_column: 3 };

// One Monaco for the whole page, as in Grafana.
const { monaco, languages, providers } = fakeMonaco();
registerLanguage(monaco, LANGUAGE);

function open(address: string, text: string, handlers: Handlers, diagnostics: any[] = []) {
  const host = createStubHost(handlers);
  const one = model(address, text);
  const close = attach(editorOf(one), { questions: questionsOf(createApi(host)), diagnostics });
  return { host, one, close };
}

it('registers once, however many editors mount', () => {
  registerLanguage(monaco, LANGUAGE);
  expect(languages.register).toHaveBeenCalledTimes(1);
  expect(languages.register).toHaveBeenCalledWith({ id: LANGUAGE_ID });
});

it('completes by asking the service at line and column, and keeps its order', async () => {
  const items = [
    { label: 'b', kind: 'span', insert: 'b', detail: null, doc: null },
    { label: 'a', kind: 'clause', insert: 'a {', detail: 'signature', doc: 'docs' },
  ];
  const { host, one, close } = open('m1', 'wh', { 'POST /v1/dsl/complete': { range, items, complete: false, tags: 'ok', tags_problem: null } });
  const { suggestions, incomplete } = await providers.completion.provideCompletionItems(one, { lineNumber: 1, column: 3 }, {}, token);
  expect(host.requests[0].body).toEqual({ dsl: 'wh', line: 1, column: 3 });
  expect(suggestions.map((item: any) => [item.sortText, item.label, item.insertText, item.detail])).toEqual([
    ['0000', 'b', 'b', 'span'],
    ['0001', 'a', 'a {', 'signature'],
  ]);
  expect(incomplete).toBe(true);
  close();
});

it('answers for the editor that was asked, and for none that is closed', async () => {
  const first = open('m1', 'one', { 'POST /v1/dsl/complete': { range, items: [], complete: true } });
  const second = open('m2', 'two', { 'POST /v1/dsl/complete': { range, items: [], complete: true } });
  await providers.completion.provideCompletionItems(second.one, { lineNumber: 1, column: 1 }, {}, token);
  expect(first.host.requests).toHaveLength(0);
  expect(second.host.requests).toHaveLength(1);
  second.close();
  expect(await providers.completion.provideCompletionItems(second.one, { lineNumber: 1, column: 1 }, {}, token)).toEqual({ suggestions: [] });
  first.close();
});

it('answers for editors of another bundle of the page, which has a copy of this code', async () => {
  const host = createStubHost({ 'POST /v1/dsl/complete': { range, items: [], complete: true } });
  const one = model('of-the-data-source', 'text');
  let close: () => void = () => undefined;
  jest.isolateModules(() => {
    const copy: typeof import('./register') = require('./register');
    expect(copy.attach).not.toBe(attach);
    copy.registerLanguage(monaco, LANGUAGE);
    close = copy.attach(editorOf(one), { questions: questionsOf(createApi(host)), diagnostics: [] });
  });
  expect(languages.register).toHaveBeenCalledTimes(1);
  await providers.completion.provideCompletionItems(one, { lineNumber: 1, column: 1 }, {}, token);
  expect(host.requests).toHaveLength(1);
  close();
});

it('is quiet where the service does not answer', async () => {
  const { one, close } = open('m1', 'wh', { 'POST /v1/dsl/complete': problem(503, 'busy', 'later'), 'POST /v1/dsl/hover': problem(503, 'busy', 'later') });
  expect(await providers.completion.provideCompletionItems(one, { lineNumber: 1, column: 1 }, {}, token)).toEqual({ suggestions: [] });
  expect(await providers.hover.provideHover(one, { lineNumber: 1, column: 1 }, token)).toBeNull();
  close();
});

it('shows signature and docs of a word, and nothing for what is none', async () => {
  const word = { range, name: 'when', class: 'clause', signature: 'when { condition }', doc: 'Which traces.' };
  const { one, host, close } = open('m1', 'when', { 'POST /v1/dsl/hover': () => word });
  const { contents } = await providers.hover.provideHover(one, { lineNumber: 1, column: 2 }, token);
  expect(contents[0].value).toContain('when { condition }');
  expect(contents[1].value).toBe('Which traces.');
  host.handlers['POST /v1/dsl/hover'] = { range: null, name: null, class: null, signature: null, doc: null };
  expect(await providers.hover.provideHover(one, { lineNumber: 1, column: 2 }, token)).toBeNull();
  close();
});

it('offers the fix of a diagnostic at the marker of that diagnostic only', () => {
  const wrong = { code: 'E010', message: 'found afetr', fix: { range: { start: 5, end: 10 }, text: 'after' } };
  const { one, close } = open('m1', '"é" afetr x', {}, [wrong, { code: 'E020', message: 'no fix' }]);
  const markers = [
    { code: 'E010', message: 'found afetr' },
    { code: 'E020', message: 'no fix' },
    { code: 'E010', message: 'of an older text' },
  ];
  const { actions } = providers.fixes.provideCodeActions(one, null, { markers });
  expect(actions).toHaveLength(1);
  expect(actions[0].title).toBe('→ after');
  // bytes 5 to 10 are units 4 to 9: columns 5 to 10
  expect(actions[0].edit.edits[0].textEdit).toMatchObject({ text: 'after', range: { startColumn: 5, endColumn: 10 } });
  close();
});
