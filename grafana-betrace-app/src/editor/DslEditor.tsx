// The editor of the app's pages: asks the service for the words of its language, completions and explanations.
import { t } from '@grafana/i18n';
import { useMemo } from 'react';
import { useApi } from '../api/context';
import type { DataNote, Diagnostic } from '../api/problem';
import { useLanguage } from '../api/service';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { MonacoDsl } from './MonacoDsl';
import { questionsOf } from './questions';

interface Props {
  value: string;
  onChange(value: string): void;
  /** of exactly this value; what is older is not given */
  diagnostics: Diagnostic[];
  /** what exactly this value met in data */
  notes?: DataNote[];
  /** Ctrl+S, or ⌘S */
  onSave?(): void;
  /** Shift+Alt+F */
  onFormat?(): void;
  readOnly?: boolean;
  label: string;
  lines?: number;
}

export function DslEditor({ onFormat, ...props }: Props) {
  const language = useLanguage();
  const api = useApi();
  const questions = useMemo(() => questionsOf(api), [api]);
  if (language.error) {
    return (
      <ErrorState
        title={t('editor.no-language', 'The language could not be read')}
        error={language.error}
        onRetry={() => void language.refetch()}
      />
    );
  }
  if (!language.data) {
    return <Loading text={t('editor.loading', 'Loading the editor…')} />;
  }
  const format = {
    id: 'betrace.format',
    label: t('editor.format', 'Format'),
    keys: ({ KeyMod, KeyCode }: { KeyMod: { Shift: number; Alt: number }; KeyCode: { KeyF: number } }) => KeyMod.Shift | KeyMod.Alt | KeyCode.KeyF,
    run: () => onFormat?.(),
  };
  return <MonacoDsl {...props} words={language.data} questions={questions} actions={[format]} />;
}
