// What a dashboard variable lists.
import type { QueryEditorProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Combobox, InlineField, Stack } from '@grafana/ui';
import type { BetraceDataSource } from '../datasource';
import type { BetraceOptions, BetraceQuery, VariableQuery } from '../types';
import { useResource } from './useResource';

type Props = QueryEditorProps<BetraceDataSource, BetraceQuery, BetraceOptions, VariableQuery>;

export default function VariableQueryEditor({ query, datasource, onChange }: Props) {
  const labels = useResource(() => datasource.labels(), {});
  const kind = query.kind ?? 'rules';
  const kinds: Array<{ value: VariableQuery['kind']; label: string }> = [
    { value: 'rules', label: t('variable.rules', 'Rules') },
    { value: 'severities', label: t('variable.severities', 'Severities') },
    { value: 'labels', label: t('variable.labels', 'Values of a label') },
    { value: 'frameworks', label: t('variable.frameworks', 'Frameworks') },
    { value: 'services', label: t('variable.services', 'Services') },
  ];
  return (
    <Stack direction="row" gap={1} wrap="wrap">
      <InlineField label={t('variable.list', 'List')} labelWidth={12} htmlFor="betrace-variable-kind">
        <Combobox id="betrace-variable-kind" width={30} options={kinds} value={kind} onChange={(option) => onChange({ ...query, kind: option.value, label: undefined })} />
      </InlineField>
      {kind === 'labels' && (
        <InlineField label={t('variable.label', 'Label')} labelWidth={12} htmlFor="betrace-variable-label" invalid={Boolean(labels.problem)} error={labels.problem}>
          <Combobox
            id="betrace-variable-label"
            width={30}
            createCustomValue
            options={Object.keys(labels.value)
              .sort()
              .map((value) => ({ value, label: value }))}
            value={query.label ?? null}
            onChange={(option) => onChange({ ...query, label: option.value })}
          />
        </InlineField>
      )}
    </Stack>
  );
}
