// Which alerts are held against the past, and how often is too often. It is asked on a click, because it reads many traces.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Field, InlineField, Input, RadioButtonGroup, TextArea, useStyles2 } from '@grafana/ui';
import { useState, type FormEvent } from 'react';

export interface Draft {
  of: 'shipped' | 'own';
  text: string;
  perWeek: string;
  night: string;
}

export const DRAFT: Draft = { of: 'shipped', text: '', perWeek: '1', night: '22-7' };

const EXAMPLE = 'groups:\n- name: own\n  rules:\n  - alert: OrdersWithoutRetry\n    expr: increase(betrace_violations_total{rule_id="my-rule"}[5m]) > 0';

const NIGHT = /^(\d|1\d|2[0-4])-(\d|1\d|2[0-4])$/;
const isCount = (text: string) => /^[1-9]\d{0,4}$/.test(text.trim());

interface Props {
  isAsking: boolean;
  onAsk(draft: Draft): void;
}

export function BacktestForm({ isAsking, onAsk }: Props) {
  const styles = useStyles2(getStyles);
  const [draft, setDraft] = useState(DRAFT);
  const isNight = NIGHT.test(draft.night.trim());
  const isReady = isNight && isCount(draft.perWeek) && (draft.of === 'shipped' || draft.text.trim() !== '');
  const ask = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) {
      onAsk(draft);
    }
  };
  return (
    <form className={styles.form} aria-label={t('backtest.form.label', 'What is tried')} onSubmit={ask}>
      <div className={styles.row}>
        <RadioButtonGroup
          aria-label={t('backtest.form.of', 'Alerts')}
          options={[
            { value: 'shipped' as const, label: t('backtest.form.shipped', 'Shipped alerts') },
            { value: 'own' as const, label: t('backtest.form.own', 'Own rule file') },
          ]}
          value={draft.of}
          onChange={(of) => setDraft({ ...draft, of })}
        />
        <InlineField
          label={t('backtest.form.per-week', 'Pages a week')}
          invalid={!isCount(draft.perWeek)}
          error={t('backtest.form.per-week-wrong', 'A whole number from 1 on')}
        >
          <Input id="backtest-per-week" width={10} value={draft.perWeek} onChange={(event) => setDraft({ ...draft, perWeek: event.currentTarget.value })} />
        </InlineField>
        <InlineField
          label={t('backtest.form.night', 'Night')}
          invalid={!isNight}
          error={t('backtest.form.night-wrong', 'Two hours of the day, as 22-7')}
        >
          <Input id="backtest-night" width={10} value={draft.night} onChange={(event) => setDraft({ ...draft, night: event.currentTarget.value })} />
        </InlineField>
        <Button type="submit" icon="history" disabled={!isReady || isAsking}>
          {t('backtest.form.ask', 'Try on the past')}
        </Button>
      </div>
      {draft.of === 'own' && (
        <Field label={t('backtest.form.text', 'Rule file of Prometheus (YAML)')} htmlFor="backtest-text">
          <TextArea
            id="backtest-text"
            rows={10}
            className={styles.text}
            spellCheck={false}
            placeholder={EXAMPLE}
            value={draft.text}
            onChange={(event) => setDraft({ ...draft, text: event.currentTarget.value })}
          />
        </Field>
      )}
    </form>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  form: css({ marginBottom: theme.spacing(2) }),
  row: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(1), marginBottom: theme.spacing(1), '& label': { marginBottom: 0 } }),
  text: css({ fontFamily: theme.typography.fontFamilyMonospace }),
});
