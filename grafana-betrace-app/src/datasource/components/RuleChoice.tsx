// Which stored rules. Nothing chosen is every enabled rule; all that is chosen has to hold.
import { t } from '@grafana/i18n';
import { Combobox, InlineField, Input, MultiCombobox, Stack, type ComboboxOption } from '@grafana/ui';
import { useState } from 'react';
import type { BetraceDataSource } from '../datasource';
import { SEVERITIES, type BetraceQuery, type RuleItem } from '../types';
import { formatLabels, parseLabels } from './labels';
import { useResource } from './useResource';

interface Props {
  id(name: string): string;
  query: BetraceQuery;
  datasource: BetraceDataSource;
  onChange(part: Partial<BetraceQuery>): void;
}

const values = (options: Array<ComboboxOption<string>>) => (options.length ? options.map((option) => option.value) : undefined);

/** Those that are there, the variables of the dashboard, and what is chosen and no longer there: it stays visible. */
function withOthers(known: Array<ComboboxOption<string>>, variables: string[], chosen: string[]): Array<ComboboxOption<string>> {
  const others = [...new Set([...variables, ...chosen])].filter((value) => !known.some((option) => option.value === value));
  return [...known, ...others.map((value) => ({ value, label: value }))];
}

const ruleOptions = (rules: RuleItem[]) => rules.map((rule) => ({ value: rule.id, label: rule.name || rule.id, description: rule.id }));

export function RuleChoice({ id, query, datasource, onChange }: Props) {
  const rules = useResource(() => datasource.rules(), []);
  const frameworks = useResource(() => datasource.names('frameworks'), []);
  const [labels, setLabels] = useState(formatLabels(query.labels));
  const parsed = parseLabels(labels);
  const chosen = query.ruleIds ?? [];
  const variables = datasource.variableNames();
  return (
    <Stack direction="row" gap={1} wrap="wrap">
      <InlineField label={t('choice.rules', 'Of rules')} labelWidth={12} htmlFor={id('rules')} invalid={Boolean(rules.problem)} error={rules.problem}>
        <MultiCombobox
          id={id('rules')}
          width={50}
          placeholder={t('choice.every', 'every enabled rule')}
          options={withOthers(ruleOptions(rules.value), variables, chosen)}
          value={chosen}
          onChange={(options) => onChange({ ruleIds: values(options) })}
        />
      </InlineField>
      <InlineField label={t('choice.severities', 'Severities')} labelWidth={12} htmlFor={id('severities')}>
        <MultiCombobox
          id={id('severities')}
          width={30}
          placeholder={t('choice.any', 'any')}
          options={withOthers(SEVERITIES.map((value) => ({ value, label: value })), variables, query.severities ?? [])}
          value={query.severities ?? []}
          onChange={(options) => onChange({ severities: values(options) })}
        />
      </InlineField>
      <InlineField
        label={t('choice.labels', 'Labels')}
        labelWidth={12}
        htmlFor={id('labels')}
        invalid={parsed === null}
        error={t('choice.labels-bad', 'Labels are written like this: team=payments, tier=1')}
      >
        <Input
          id={id('labels')}
          width={30}
          placeholder={t('choice.labels-like', 'team=payments, tier=1')}
          value={labels}
          onChange={(event) => setLabels(event.currentTarget.value)}
          onBlur={() => parsed !== null && onChange({ labels: parsed })}
        />
      </InlineField>
      <InlineField label={t('choice.framework', 'Framework')} labelWidth={12} htmlFor={id('framework')}>
        <Combobox
          id={id('framework')}
          width={20}
          isClearable
          createCustomValue
          placeholder={t('choice.any', 'any')}
          options={[...new Set([...frameworks.value, ...(query.framework ? [query.framework] : [])])].map((value) => ({ value, label: value }))}
          value={query.framework ?? null}
          onChange={(option) => onChange({ framework: option?.value })}
        />
      </InlineField>
    </Stack>
  );
}
