// Tells Monaco, which Grafana has one of for the whole page, of our language: once. What differs from editor to editor (whom to ask, what is wrong)
// is looked up by the model's address, so two editors never answer for each other and nothing is registered twice. The app and the data source are
// two bundles with a copy of this file each: whichever comes first registers, and both find the editors of both.
import type { Monaco, MonacoEditor, monacoTypes } from '@grafana/ui';
import type { Diagnostic } from '../api/problem';
import type { Completion, Hover, Language, TextRange } from '../api/types';
import { utf16Offset } from './diagnostics';
import { configurationOf, LANGUAGE_ID, monarchOf } from './language';

/** A place in a text: line and column from 1, in UTF-16 units. */
export interface Place {
  dsl: string;
  line: number;
  column: number;
}

/** How an editor asks the service: the app through its API, the data source through its backend. */
export interface Questions {
  complete(place: Place, signal: AbortSignal): Promise<Completion>;
  hover(place: Place, signal: AbortSignal): Promise<Hover>;
}

export interface EditorContext {
  questions: Questions;
  /** of the text as it stands */
  diagnostics: Diagnostic[];
}

const OF_PAGE = Symbol.for('betrace.editors');

/** By the address of the model; one for all bundles of the page. */
function contextsOfPage(): Map<string, EditorContext> {
  const page = globalThis as unknown as Record<symbol, Map<string, EditorContext> | undefined>;
  return (page[OF_PAGE] ??= new Map());
}

const contexts = contextsOfPage();

export function attach(editor: MonacoEditor, context: EditorContext): () => void {
  const address = editor.getModel()?.uri.toString() ?? '';
  contexts.set(address, context);
  return () => contexts.delete(address);
}

const contextOf = (model: monacoTypes.editor.ITextModel) => contexts.get(model.uri.toString());

function rangeOf(range: TextRange): monacoTypes.IRange {
  return { startLineNumber: range.start_line, startColumn: range.start_column, endLineNumber: range.end_line, endColumn: range.end_column };
}

/** Cancelled in Monaco is aborted in fetch. */
function signalOf(token: monacoTypes.CancellationToken): AbortSignal {
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  return abort.signal;
}

/** A question to the service from within Monaco: no answer is no suggestion, never an exception there. */
async function quietly<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question;
  } catch {
    return null;
  }
}

function kindsOf(monaco: Monaco): Record<Completion['items'][number]['kind'], monacoTypes.languages.CompletionItemKind> {
  const kind = monaco.languages.CompletionItemKind;
  return {
    clause: kind.Keyword,
    keyword: kind.Keyword,
    operator: kind.Operator,
    function: kind.Function,
    field: kind.Property,
    attribute: kind.Field,
    value: kind.Value,
    binding: kind.Variable,
    span: kind.Event,
    service: kind.Module,
  };
}

function completions(monaco: Monaco): monacoTypes.languages.CompletionItemProvider {
  const kinds = kindsOf(monaco);
  return {
    triggerCharacters: ['.', '(', '{', ' ', '"', '@', '['],
    async provideCompletionItems(model, { lineNumber, column }, _context, token) {
      const place = { dsl: model.getValue(), line: lineNumber, column };
      const questions = contextOf(model)?.questions;
      const answer = questions && (await quietly(questions.complete(place, signalOf(token))));
      if (!answer) {
        return { suggestions: [] };
      }
      const range = rangeOf(answer.range);
      const suggestions = answer.items.map((item, index) => ({
        label: item.label,
        kind: kinds[item.kind],
        insertText: item.insert,
        detail: item.detail ?? item.kind,
        documentation: item.doc ?? undefined,
        range,
        // the service's order, best first
        sortText: String(index).padStart(4, '0'),
      }));
      return { suggestions, incomplete: !answer.complete };
    },
  };
}

const hovers: monacoTypes.languages.HoverProvider = {
  async provideHover(model, { lineNumber, column }, token) {
    const place = { dsl: model.getValue(), line: lineNumber, column };
    const questions = contextOf(model)?.questions;
    const answer = questions && (await quietly(questions.hover(place, signalOf(token))));
    if (!answer?.range) {
      return null;
    }
    const contents = [{ value: '```' + LANGUAGE_ID + '\n' + (answer.signature ?? answer.name) + '\n```' }, { value: answer.doc ?? '' }];
    return { range: rangeOf(answer.range), contents };
  },
};

/** "Replace with …" for each diagnostic at this place that knows how. */
const fixes: monacoTypes.languages.CodeActionProvider = {
  provideCodeActions(model, _range, context) {
    const text = model.getValue();
    const diagnostics = contextOf(model)?.diagnostics ?? [];
    const actions = context.markers.flatMap((marker) => {
      const known = diagnostics.find(({ code, message }) => code === marker.code && message === marker.message);
      if (!known?.fix) {
        return [];
      }
      const start = model.getPositionAt(utf16Offset(text, known.fix.range.start));
      const end = model.getPositionAt(utf16Offset(text, known.fix.range.end));
      const range = { startLineNumber: start.lineNumber, startColumn: start.column, endLineNumber: end.lineNumber, endColumn: end.column };
      const edit = { edits: [{ resource: model.uri, versionId: undefined, textEdit: { range, text: known.fix.text } }] };
      return [{ title: `→ ${known.fix.text || '∅'}`, kind: 'quickfix', isPreferred: true, diagnostics: [marker], edit }];
    });
    return { actions, dispose: () => undefined };
  },
};

/** Before an editor mounts. The second time there is nothing to do. */
export function registerLanguage(monaco: Monaco, language: Language) {
  if (monaco.languages.getLanguages().some(({ id }) => id === LANGUAGE_ID)) {
    return;
  }
  monaco.languages.register({ id: LANGUAGE_ID });
  monaco.languages.setMonarchTokensProvider(LANGUAGE_ID, monarchOf(language));
  monaco.languages.setLanguageConfiguration(LANGUAGE_ID, configurationOf(language));
  monaco.languages.registerCompletionItemProvider(LANGUAGE_ID, completions(monaco));
  monaco.languages.registerHoverProvider(LANGUAGE_ID, hovers);
  monaco.languages.registerCodeActionProvider(LANGUAGE_ID, fixes);
}
