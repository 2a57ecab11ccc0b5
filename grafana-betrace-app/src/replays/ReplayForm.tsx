// What to replay: rules, labels or a new rule, over which range, how to count, and whether to send violation spans. All
// of it is in the URL, so a link asks the same again.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Combobox, Field, Input, MultiCombobox, RadioButtonGroup, Switch, useStyles2 } from '@grafana/ui';
import { PLAIN } from '../i18n';
import { useStartReplay } from '../api/replays';
import { useAllRules } from '../api/rules';
import { useHealth } from '../api/service';
import { ErrorState } from '../components/ErrorState';
import { useWriteDisabledReason } from '../components/Forbidden';
import { TimeRange } from '../components/TimeRange';
import { ACTIONS } from '../permissions';
import type { UrlTimeRange } from '../routing/timeRange';
import { DslField } from './DslField';
import { formProblem, requestOf, type Count, type FormState, type What } from './formState';

interface PartProps {
  state: FormState;
  onChange(change: Partial<FormState>, options?: { replace?: boolean }): void;
}

function whatOptions(): Array<{ label: string; value: What }> {
  return [
    { label: t('replays.form.what-rules', 'Rules'), value: 'rules' },
    { label: t('replays.form.what-labels', 'Rules with labels'), value: 'labels' },
    { label: t('replays.form.what-dsl', 'A rule that is not saved'), value: 'dsl' },
  ];
}

function countOptions(): Array<{ label: string; value: Count; description: string }> {
  return [
    { label: t('replays.form.count-auto', 'Up to 100,000'), value: 'auto', description: t('replays.form.count-auto-why', 'Exact up to there, then at least') },
    { label: t('replays.form.count-exact', 'Exactly'), value: 'exact', description: t('replays.form.count-exact-why', 'Lists every trace of the range') },
    { label: t('replays.form.count-at-least', 'At least'), value: 'at_least', description: t('replays.form.count-at-least-why', 'Faster: lists nothing besides') },
  ];
}

function RulesField({ state, onChange }: PartProps) {
  const rules = useAllRules();
  const options = (rules.data?.pages ?? []).flatMap((page) =>
    page.rules.map((rule) => ({ value: rule.id, label: rule.name || rule.id, description: rule.enabled ? rule.id : t('replays.form.disabled', '{{id}} · disabled', { ...PLAIN, id: rule.id }) }))
  );
  return (
    <Field label={t('replays.form.rules', 'Rules')} description={t('replays.form.rules-why', 'Disabled rules can be replayed, too')} noMargin>
      <MultiCombobox
        id="replay-rules"
        options={options}
        value={state.rule}
        loading={rules.isLoading}
        placeholder={t('replays.form.rules-choose', 'Choose rules')}
        onChange={(chosen) => onChange({ rule: chosen.map((one) => one.value) })}
      />
    </Field>
  );
}

function LabelsField({ state, onChange }: PartProps) {
  return (
    <Field label={t('replays.form.labels', 'Labels')} description={t('replays.form.labels-why', 'Enabled rules that have all of them')} noMargin>
      <Input id="replay-labels" value={state.labels} placeholder={t('replays.form.labels-example', 'team=payments')} onChange={(event) => onChange({ labels: event.currentTarget.value }, { replace: true })} />
    </Field>
  );
}

function EmitField({ state, onChange }: PartProps) {
  const { data: health } = useHealth();
  const emits = health?.metadata.emits ?? false;
  const why =
    state.what === 'dsl'
      ? t('replays.form.emit-dsl', 'A rule that is not saved is never sent.')
      : emits
        ? t('replays.form.emit-why', 'One span for each violation, once, however often it is replayed')
        : t('replays.form.emit-none', 'The service has no OTLP endpoint (--otlp), so nothing is sent.');
  const possible = emits && state.what !== 'dsl';
  return (
    <Field label={t('replays.form.emit', 'Send violations to Tempo')} description={why} disabled={!possible} noMargin>
      <Switch id="replay-emit" value={possible && state.emit !== false} onChange={(event) => onChange({ emit: event.currentTarget.checked ? null : false })} />
    </Field>
  );
}

interface Props extends PartProps {
  range: UrlTimeRange;
  onStarted(replayId: string): void;
}

export function ReplayForm({ state, onChange, range, onStarted }: Props) {
  const styles = useStyles2(getStyles);
  const start = useStartReplay();
  const mayNot = useWriteDisabledReason(ACTIONS.writeReplays);
  const problem = formProblem(state);
  const submit = () => {
    if (!problem && !mayNot && !start.isPending) {
      start.mutate(requestOf(state, range), { onSuccess: ({ replay_id }) => onStarted(replay_id) });
    }
  };
  return (
    <form
      className={styles.form}
      aria-label={t('replays.form.label', 'New replay')}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div>
        <RadioButtonGroup options={whatOptions()} value={state.what} onChange={(what) => onChange({ what })} aria-label={t('replays.form.what', 'What to replay')} />
      </div>
      {state.what === 'rules' && <RulesField state={state} onChange={onChange} />}
      {state.what === 'labels' && <LabelsField state={state} onChange={onChange} />}
      {state.what === 'dsl' && <DslField value={state.dsl} onChange={(dsl) => onChange({ dsl }, { replace: true })} onSubmit={submit} />}
      <div className={styles.line}>
        <Field label={t('replays.form.range', 'Range')} noMargin>
          <div>
            <TimeRange value={range} />
          </div>
        </Field>
        <Field label={t('replays.form.count', 'Count traces')} noMargin>
          <Combobox id="replay-count" width={24} options={countOptions()} value={state.count} onChange={({ value }) => onChange({ count: value })} />
        </Field>
        <EmitField state={state} onChange={onChange} />
      </div>
      {start.error && <ErrorState error={start.error} title={t('replays.form.refused', 'The replay was not started')} />}
      <div className={styles.submit}>
        <Button type="submit" icon="play" disabled={Boolean(problem ?? mayNot) || start.isPending} tooltip={mayNot ?? problem ?? undefined}>
          {t('replays.form.start', 'Start the replay')}
        </Button>
        {(mayNot ?? problem) && <span className={styles.hint}>{mayNot ?? problem}</span>}
      </div>
    </form>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  form: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
    padding: theme.spacing(2),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
  }),
  line: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(2, 3) }),
  submit: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(2) }),
  hint: css({ color: theme.colors.text.secondary }),
});
