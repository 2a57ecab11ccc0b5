// The rule that is not stored, checked by the service while it is typed.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Field, TextArea, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useState } from 'react';
import type { Diagnostic } from '../../api/problem';
import type { Language } from '../../api/types';
import { MonacoDsl, type EditorAction } from '../../editor/MonacoDsl';
import type { BetraceDataSource } from '../datasource';
import { messageOf, useResource } from './useResource';

interface Props {
  id: string;
  dsl: string;
  datasource: BetraceDataSource;
  onChange(dsl: string): void;
  onRunQuery(): void;
}

const CHECK_AFTER_MS = 300;
const EXAMPLE = `trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")`;

interface Checked {
  of: string;
  diagnostics: Diagnostic[];
  /** why the text could not be checked */
  problem: string | null;
}

const NOT_YET: Checked = { of: '', diagnostics: [], problem: null };

/** What is wrong with the text, a little after the typing stops; nothing where that is not known yet. */
function useChecked(dsl: string, datasource: BetraceDataSource): Checked {
  const [checked, setChecked] = useState(NOT_YET);
  useEffect(() => {
    if (dsl.trim() === '') {
      return undefined;
    }
    let isThere = true;
    const tell = (part: Partial<Checked>) => isThere && setChecked({ ...NOT_YET, of: dsl, ...part });
    const timer = setTimeout(() => {
      datasource.validate(dsl).then(
        ({ diagnostics }) => tell({ diagnostics }),
        (error) => tell({ problem: messageOf(error) })
      );
    }, CHECK_AFTER_MS);
    return () => {
      isThere = false;
      clearTimeout(timer);
    };
  }, [dsl, datasource]);
  return checked.of === dsl ? checked : NOT_YET;
}

function faultOf({ diagnostics, problem }: Checked): string | null {
  const fault = diagnostics.find((one) => one.severity === 'error');
  return fault
    ? t('ad-hoc.fault', 'Line {{line}}, column {{column}}: {{message}}', {
        interpolation: { escapeValue: false },
        line: fault.line,
        column: fault.column,
        message: fault.message,
      })
    : problem;
}

/** With the language's colours, completion and underlines; needs its words. */
function Highlighted({ words, diagnostics, dsl, datasource, onChange, onRunQuery }: Omit<Props, 'id'> & { words: Language; diagnostics: Diagnostic[] }) {
  const questions = useMemo(() => ({ complete: datasource.complete.bind(datasource), hover: datasource.hover.bind(datasource) }), [datasource]);
  const run: EditorAction = {
    id: 'betrace.run',
    label: t('ad-hoc.run', 'Run the query'),
    keys: ({ KeyMod, KeyCode }) => KeyMod.Shift | KeyCode.Enter,
    run: onRunQuery,
  };
  return (
    <MonacoDsl
      label={t('ad-hoc.text', 'Rule. Ctrl+M makes Tab leave the editor.')}
      words={words}
      questions={questions}
      value={dsl}
      onChange={onChange}
      onBlur={() => dsl.trim() !== '' && onRunQuery()}
      diagnostics={diagnostics}
      actions={[run]}
      lines={5}
      showLineNumbers={false}
    />
  );
}

/** What stands in while the words are on their way, and where they cannot be had: a query is no less one without colours. */
function Plain({ id, dsl, onChange, onRunQuery }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <TextArea
      id={id}
      className={styles.text}
      rows={5}
      spellCheck={false}
      placeholder={EXAMPLE}
      value={dsl}
      onChange={(event) => onChange(event.currentTarget.value)}
      onBlur={() => dsl.trim() !== '' && onRunQuery()}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.shiftKey) {
          event.preventDefault();
          onRunQuery();
        }
      }}
    />
  );
}

export function AdHocRule(props: Props) {
  const { id, dsl, datasource } = props;
  const checked = useChecked(dsl, datasource);
  const language = useResource<Language | null>(() => datasource.language(), null);
  const fault = faultOf(checked);
  return (
    <Field
      label={t('ad-hoc.label', 'Rule')}
      description={t('ad-hoc.why', 'BeTraceDSL. It is not stored, and never emits anything. Shift+Enter runs the query.')}
      htmlFor={id}
      invalid={fault !== null}
      error={fault}
      noMargin
    >
      {language.value ? <Highlighted {...props} words={language.value} diagnostics={checked.diagnostics} /> : <Plain {...props} />}
    </Field>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  text: css({ fontFamily: theme.typography.fontFamilyMonospace, fontSize: theme.typography.bodySmall.fontSize }),
});
