// The query editor of panels, Explore, annotations and alert rules: what to show, of which rules, and how much of it.
import { CoreApp, type QueryEditorProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Combobox, InlineField, RadioButtonGroup, Stack } from '@grafana/ui';
import type { BetraceDataSource } from '../datasource';
import { isNumbers, type BetraceOptions, type BetraceQuery, type QueryType } from '../types';
import { AdHocRule } from './AdHocRule';
import { NumberOptions } from './NumberOptions';
import { RuleChoice } from './RuleChoice';
import { TableOptions } from './TableOptions';

export type Props = QueryEditorProps<BetraceDataSource, BetraceQuery, BetraceOptions>;

const isAlerting = (app: CoreApp | undefined) => app === CoreApp.UnifiedAlerting || app === CoreApp.CloudAlerting;

export function typeOptions(alerting: boolean, isAnnotation: boolean) {
  const numbers: Array<{ value: QueryType; label: string; description: string }> = [
    { value: 'count', label: t('query.count', 'Count'), description: t('query.count-why', 'Traces that violate a rule, zeros included') },
    { value: 'exercised', label: t('query.exercised', 'Exercised'), description: t('query.exercised-why', 'Traces that a rule has something to say about') },
    { value: 'ratio', label: t('query.ratio', 'Ratio'), description: t('query.ratio-why', 'Violating traces of those that exercise the rule') },
  ];
  if (alerting) {
    return numbers;
  }
  if (isAnnotation) {
    return [{ value: 'annotations' as const, label: t('query.annotations', 'Annotations'), description: t('query.annotations-why', 'One mark a violation') }];
  }
  return [
    { value: 'violations' as const, label: t('query.violations', 'Violations'), description: t('query.violations-why', 'A table with links to the traces') },
    ...numbers,
    { value: 'first_violation' as const, label: t('query.first', 'First violation'), description: t('query.first-why', 'When did it start') },
    { value: 'problems' as const, label: t('query.problems', 'Problems'), description: t('query.problems-why', 'One row for what fails, and where: how often, and how it goes') },
  ];
}

export default function QueryEditor({ query, datasource, onChange, onRunQuery, app }: Props) {
  const alerting = isAlerting(app);
  const type = query.queryType ?? 'violations';
  const isAdHoc = query.dsl !== undefined;
  const id = (name: string) => `betrace-${query.refId}-${name}`;
  const change = (part: Partial<BetraceQuery>) => onChange({ ...query, ...part });
  const changeAndRun = (part: Partial<BetraceQuery>) => {
    change(part);
    onRunQuery();
  };
  // what the other way of choosing said must not stay behind: a query that says both is refused
  const choose = (adHoc: boolean) =>
    change(adHoc ? { dsl: '', ruleIds: undefined, severities: undefined, labels: undefined, framework: undefined } : { dsl: undefined });
  // nor what belongs to another type
  const retype = (next: QueryType) =>
    changeAndRun({
      queryType: next,
      ...(isNumbers(next) ? { limit: undefined } : { step: undefined, instant: undefined, incomplete: undefined }),
      ...(isNumbers(next) || next === 'problems' ? { service: undefined, traceId: undefined } : {}),
      ...(next === 'problems' ? { dsl: undefined } : {}),
    });
  return (
    <Stack direction="column" gap={1}>
      <Stack direction="row" gap={1} wrap="wrap">
        <InlineField label={t('query.show', 'Show')} labelWidth={12} htmlFor={id('type')}>
          <Combobox id={id('type')} width={24} options={typeOptions(alerting, type === 'annotations')} value={type} onChange={(option) => retype(option.value)} />
        </InlineField>
        {type !== 'problems' && (
          <InlineField label={t('query.rules', 'Rules')} labelWidth={12}>
            <RadioButtonGroup
              aria-label={t('query.rules', 'Rules')}
              options={[
                { value: false, label: t('query.stored', 'Stored') },
                { value: true, label: t('query.ad-hoc', 'Ad-hoc') },
              ]}
              value={isAdHoc}
              onChange={choose}
            />
          </InlineField>
        )}
      </Stack>
      {isAdHoc ? (
        <AdHocRule id={id('dsl')} dsl={query.dsl ?? ''} datasource={datasource} onChange={(dsl) => change({ dsl })} onRunQuery={onRunQuery} />
      ) : (
        <RuleChoice id={id} query={query} datasource={datasource} onChange={changeAndRun} />
      )}
      {isNumbers(type) && <NumberOptions id={id} query={query} alerting={alerting} onChange={changeAndRun} />}
      {(type === 'violations' || type === 'annotations') && <TableOptions id={id} query={query} datasource={datasource} onChange={changeAndRun} />}
      {alerting && (
        <Alert severity="info" title={t('query.alert-title', 'One number a rule; null where a part of the range was not looked at')}>
          {t('query.alert-range', 'Newer traces than now-3m are not settled: a time range that ends later is moved back, and a notice says by how much. Use a threshold on this query directly: a reduce expression is not needed.')}
        </Alert>
      )}
    </Stack>
  );
}
