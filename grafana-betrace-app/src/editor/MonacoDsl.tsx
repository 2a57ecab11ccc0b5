// Monaco as @grafana/ui brings it, with our language, the diagnostics at their places, completion, hover and fixes. Knows neither the app nor the data source: both give it
// the words of the language and whom to ask.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { CodeEditor, useStyles2, type Monaco, type MonacoEditor } from '@grafana/ui';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { DataNote, Diagnostic } from '../api/problem';
import type { Language } from '../api/types';
import { markersOf, noteMarkersOf } from './diagnostics';
import { LANGUAGE_ID } from './language';
import { attach, registerLanguage, type EditorContext, type Questions } from './register';

/** Something that keys do in the editor, and its menu of commands names. */
export interface EditorAction {
  id: string;
  label: string;
  keys(monaco: Monaco): number;
  run(): void;
}

export interface MonacoDslProps {
  words: Language;
  questions: Questions;
  value: string;
  onChange(value: string): void;
  onBlur?(): void;
  /** Ctrl+S, or ⌘S */
  onSave?(): void;
  /** of exactly this value; what is older is not given */
  diagnostics: Diagnostic[];
  /** what exactly this value met in data */
  notes?: DataNote[];
  /** the ones of the first drawing stay; what they run is looked up by id */
  actions?: EditorAction[];
  readOnly?: boolean;
  label: string;
  lines?: number;
  showLineNumbers?: boolean;
}

const LINE_PX = 19;
const NO_ACTIONS: EditorAction[] = [];
const NO_NOTES: DataNote[] = [];

function options(label: string, readOnly: boolean) {
  return {
    ariaLabel: label,
    readOnly,
    scrollBeyondLastLine: false,
    fontSize: 14,
    lineHeight: LINE_PX,
    suggest: { showWords: false },
    quickSuggestions: { other: true, strings: true, comments: false },
  };
}

interface Mounted {
  editor: MonacoEditor;
  monaco: Monaco;
}

/** Says whose text it is, and underlines what is wrong with it and what it met. */
function useMarkers(mounted: Mounted | null, { questions, diagnostics }: EditorContext, notes: DataNote[]) {
  const context = useMemo<EditorContext>(() => ({ questions, diagnostics }), [questions, diagnostics]);
  useEffect(() => (mounted ? attach(mounted.editor, context) : undefined), [mounted, context]);
  useEffect(() => {
    const model = mounted?.editor.getModel();
    if (model) {
      mounted?.monaco.editor.setModelMarkers(model, LANGUAGE_ID, [
        ...markersOf(diagnostics),
        ...noteMarkersOf(model.getValue(), notes),
      ]);
    }
  }, [mounted, diagnostics, notes]);
}

export function MonacoDsl(props: MonacoDslProps) {
  const { words, questions, value, diagnostics, notes = NO_NOTES, readOnly = false, label, lines = 9, showLineNumbers = true } = props;
  const styles = useStyles2(getStyles);
  const [mounted, setMounted] = useState<Mounted | null>(null);
  // Monaco keeps the handlers that it was mounted with: they look up the latest ones here
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useMarkers(mounted, { questions, diagnostics }, notes);
  const mount = useCallback((editor: MonacoEditor, monaco: Monaco) => {
    (latest.current.actions ?? NO_ACTIONS).forEach(({ id, label: name, keys }) => {
      const run = () => latest.current.actions?.find((action) => action.id === id)?.run();
      editor.addAction({ id, label: name, keybindings: [keys(monaco)], run });
    });
    setMounted({ editor, monaco });
  }, []);
  return (
    <CodeEditor
      language={LANGUAGE_ID}
      value={value}
      height={lines * LINE_PX + 16}
      containerStyles={styles.box}
      readOnly={readOnly}
      showLineNumbers={showLineNumbers}
      showMiniMap={false}
      wordWrap
      monacoOptions={options(label, readOnly)}
      onBeforeEditorMount={(monaco) => registerLanguage(monaco, words)}
      onEditorDidMount={mount}
      onEditorWillUnmount={() => setMounted(null)}
      onChange={(text) => latest.current.onChange(text)}
      onBlur={() => latest.current.onBlur?.()}
      onSave={() => latest.current.onSave?.()}
    />
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({ width: '100%', '&:focus-within': { outline: `2px solid ${theme.colors.primary.border}` } }),
});
