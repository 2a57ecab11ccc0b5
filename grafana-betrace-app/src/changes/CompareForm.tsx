// What is compared with what: before and after a moment, or one version and another. It is asked on a click, because it reads many traces.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Combobox, InlineField, Input, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useState, type FormEvent } from 'react';

import { useVersions } from '../api/changes';
import { useHost } from '../host/context';
import { readMoment, showMoment, type Question } from './question';

interface Props {
  /** as the URL has it, or as it is proposed */
  question: Question;
  isAsking: boolean;
  onAsk(question: Question): void;
}

function Version({ id, label, placeholder, value, versions, onChange }: {
  id: string;
  label: string;
  placeholder: string;
  value: string;
  versions: readonly string[];
  onChange(value: string): void;
}) {
  const all = value && !versions.includes(value) ? [...versions, value] : versions;
  return (
    <InlineField label={label}>
      <Combobox
        id={id}
        aria-label={label}
        width="auto"
        minWidth={18}
        maxWidth={40}
        isClearable
        createCustomValue
        placeholder={placeholder}
        value={value || null}
        options={all.map((one) => ({ value: one, label: one }))}
        onChange={(option) => onChange(option?.value ?? '')}
      />
    </InlineField>
  );
}

export function CompareForm({ question, isAsking, onAsk }: Props) {
  const styles = useStyles2(getStyles);
  const timeZone = useHost().timeZone();
  const [draft, setDraft] = useState(question);
  const [text, setText] = useState(showMoment(question.at, timeZone));
  const versions = useVersions({ enabled: draft.by === 'versions' }).data ?? [];
  const moment = readMoment(text, timeZone);
  const isReady = draft.by === 'moment' ? moment !== null : draft.candidate !== '' && draft.candidate !== draft.baseline;
  const isSame = draft.by === 'versions' && draft.candidate !== '' && draft.candidate === draft.baseline;
  const ask = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) {
      onAsk(draft.by === 'moment' ? { by: 'moment', at: moment ?? '', baseline: '', candidate: '' } : { ...draft, at: '' });
    }
  };
  return (
    <form className={styles.form} aria-label={t('changes.form.label', 'What is compared')} onSubmit={ask}>
      <RadioButtonGroup
        aria-label={t('changes.form.by', 'Compare by')}
        options={[
          { value: 'moment' as const, label: t('changes.form.moment', 'Before and after') },
          { value: 'versions' as const, label: t('changes.form.versions', 'Two versions') },
        ]}
        value={draft.by}
        onChange={(by) => setDraft({ ...draft, by })}
      />
      {draft.by === 'moment' ? (
        <InlineField
          label={t('changes.form.at', 'Moment')}
          invalid={text.trim() !== '' && moment === null}
          error={t('changes.form.at-wrong', 'A time is written as 2026-03-10 06:00:00, or as now-1h')}
        >
          <Input id="changes-at" value={text} width={26} onChange={(event) => setText(event.currentTarget.value)} />
        </InlineField>
      ) : (
        <>
          <Version
            id="changes-baseline"
            label={t('changes.form.baseline', 'Old version')}
            placeholder={t('changes.form.others', 'All others')}
            value={draft.baseline}
            versions={versions}
            onChange={(baseline) => setDraft({ ...draft, baseline })}
          />
          <Version
            id="changes-candidate"
            label={t('changes.form.candidate', 'New version')}
            placeholder={t('changes.form.choose', 'Choose or type')}
            value={draft.candidate}
            versions={versions}
            onChange={(candidate) => setDraft({ ...draft, candidate })}
          />
        </>
      )}
      <Button type="submit" icon="exchange-alt" disabled={!isReady || isAsking}>
        {t('changes.form.ask', 'Compare')}
      </Button>
      {isSame && <span className={styles.note}>{t('changes.form.same', 'A version compared with itself shows no change.')}</span>}
    </form>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  form: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(1), marginBottom: theme.spacing(2), '& label': { marginBottom: 0 } }),
  note: css({ alignSelf: 'center', color: theme.colors.text.secondary }),
});
