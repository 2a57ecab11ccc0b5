// A form for the five commonest shapes of a rule. It keeps nothing of its own but fields that are not a rule yet: what
// it shows comes from the text, and what is changed in it is written into the text.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Combobox, Field, Input, Text, useStyles2 } from '@grafana/ui';
import { useQuery } from '@tanstack/react-query';
import { useId, useMemo, useState } from 'react';
import { useApi } from '../api/context';
import { useLanguage } from '../api/service';
import { shapeText } from './shapeWords';
import { HAS_SECOND, problemsOf, shapeOf, SHAPES, textOf, type ShapeFields, type ShapeKind } from './shapes';

const NAMES_OF = 'trace.has(span.name == "")';
const NOTHING: ShapeFields = { kind: 'needs', a: '', b: '', limit: '', time: '' };
const EXAMPLE_LIMIT = '3';
const EXAMPLE_TIME = '5s';
const NO_WORDS: ReadonlySet<string> = new Set();

/** Words that mean something of their own; null until the service has said them. */
function useWords(): ReadonlySet<string> | null {
  const { data } = useLanguage();
  return useMemo(() => {
    const names = data ? [...data.reserved, ...data.words.flatMap(({ name }) => name.split(/[ .]/))] : null;
    return names && new Set(names.map((word) => word.toLowerCase()));
  }, [data]);
}

/** Names of spans that the source has, as the editor completes them. Without them the form works as well. */
function useSpanNames() {
  const api = useApi();
  const names = useQuery({
    queryKey: ['dsl', 'span-names'],
    queryFn: ({ signal }) => api.post('/v1/dsl/complete', { body: { dsl: NAMES_OF, line: 1, column: NAMES_OF.length - 1 }, signal }),
    staleTime: 300_000,
    retry: false,
  });
  return names.data?.items.map((item) => item.label) ?? [];
}

interface TextProps {
  label: string;
  value: string;
  placeholder: string;
  list?: string;
  problem?: string;
  disabled: boolean;
  onChange(value: string): void;
}

function TextField({ label, value, placeholder, list, problem, disabled, onChange }: TextProps) {
  const id = useId();
  return (
    <Field label={label} invalid={Boolean(problem)} error={problem} disabled={disabled} noMargin>
      <Input
        id={id}
        value={value}
        placeholder={placeholder}
        list={list}
        autoComplete="off"
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </Field>
  );
}

/** What A and B are, in the order in which the sentence names them. */
function labels(kind: ShapeKind): { a: string; b: string } {
  switch (kind) {
    case 'needs':
      return { a: t('shape.a-needs', 'Where there is'), b: t('shape.b-needs', 'there must be') };
    case 'never':
      return { a: t('shape.a-never', 'There must never be'), b: '' };
    case 'before':
      return { a: t('shape.a-before', 'There must be'), b: t('shape.b-before', 'before every') };
    case 'at_most':
      return { a: t('shape.a-at-most', 'A trace has at most so many of'), b: '' };
    case 'within':
      return { a: t('shape.a-within', 'After every'), b: t('shape.b-within', 'there must be') };
  }
}

function kindText(kind: ShapeKind): string {
  switch (kind) {
    case 'needs':
      return t('shape.needs', 'A needs B');
    case 'never':
      return t('shape.never', 'Never A');
    case 'before':
      return t('shape.before', 'A before B');
    case 'at_most':
      return t('shape.at-most', 'At most N of A in a request');
    case 'within':
      return t('shape.within', 'B within a time after A');
  }
}

function Fields({ fields, disabled, change }: { fields: ShapeFields; disabled: boolean; change(part: Partial<ShapeFields>): void }) {
  const list = useId();
  const names = useSpanNames();
  const { a, b } = labels(fields.kind);
  const name = t('shape.name-placeholder', 'span or service');
  const isWrong = (field: keyof ShapeFields) => fields[field] !== '' && problemsOf(fields).includes(field);
  return (
    <>
      <TextField label={a} value={fields.a} placeholder={name} list={list} disabled={disabled} onChange={(value) => change({ a: value })} />
      {HAS_SECOND[fields.kind] && (
        <TextField
          label={b}
          value={fields.b}
          placeholder={name}
          list={list}
          disabled={disabled}
          onChange={(value) => change({ b: value })}
        />
      )}
      {fields.kind === 'at_most' && (
        <TextField
          label={t('shape.limit', 'At most')}
          value={fields.limit}
          placeholder={EXAMPLE_LIMIT}
          problem={isWrong('limit') ? t('shape.limit-wrong', 'A whole number, such as 3') : undefined}
          disabled={disabled}
          onChange={(limit) => change({ limit })}
        />
      )}
      {fields.kind === 'within' && (
        <TextField
          label={t('shape.time', 'Within')}
          value={fields.time}
          placeholder={EXAMPLE_TIME}
          problem={isWrong('time') ? t('shape.time-wrong', 'A duration, such as 500ms, 5s or 1m30s') : undefined}
          disabled={disabled}
          onChange={(time) => change({ time })}
        />
      )}
      <datalist id={list}>
        {names.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </>
  );
}

interface Props {
  dsl: string;
  onChange(dsl: string): void;
  disabled: boolean;
}

export function ShapeForm({ dsl, onChange, disabled }: Props) {
  const styles = useStyles2(getStyles);
  const known = useWords();
  const words = known ?? NO_WORDS;
  /** of the text that stood there then: another text has fields of its own, or none */
  const [typed, setTyped] = useState<{ dsl: string; fields: ShapeFields } | null>(null);
  const isBlank = dsl.trim() === '';
  const fields = typed?.dsl === dsl ? typed.fields : (known && shapeOf(dsl, words)) || (isBlank ? NOTHING : null);
  const change = (part: Partial<ShapeFields>) => {
    const next = { ...(fields ?? NOTHING), ...part };
    const text = textOf(next, words);
    setTyped({ dsl: text ?? dsl, fields: next });
    if (text !== null && text !== dsl) {
      onChange(text);
    }
  };
  const isWaiting = fields !== null && textOf(fields, words) === null;
  return (
    <section className={styles.form} aria-label={t('shape.label', 'Form for common rules')}>
      <Field label={t('shape.shape', 'Shape of the rule')} disabled={disabled || !known} noMargin>
        <Combobox
          id="rule-shape"
          options={SHAPES.map((value) => ({ value, label: kindText(value) }))}
          value={fields?.kind ?? null}
          placeholder={t('shape.free', 'freer than this form')}
          disabled={disabled || !known}
          onChange={({ value }) => change({ kind: value })}
        />
      </Field>
      {fields && <Fields fields={fields} disabled={disabled || !known} change={change} />}
      <div className={styles.said} role="status">
        <Text color="secondary">
          {fields === null
            ? t('shape.freer', 'The text is freer than this form. To choose a shape and fill it in replaces the text.')
            : isWaiting
              ? t('shape.waiting', 'The text is written when all fields are filled in.')
              : shapeText(fields)}
        </Text>
      </div>
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  form: css({
    display: 'grid',
    gap: theme.spacing(1, 2),
    gridTemplateColumns: 'repeat(auto-fit, minmax(180px, 1fr))',
    alignItems: 'start',
    minWidth: 0,
  }),
  said: css({ gridColumn: '1 / -1' }),
});
