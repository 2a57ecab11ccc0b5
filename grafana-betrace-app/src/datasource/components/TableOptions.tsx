// Which violations a table or annotations show, and how many.
import { t } from '@grafana/i18n';
import { Combobox, InlineField, Input, Stack } from '@grafana/ui';
import { useState } from 'react';
import type { BetraceDataSource } from '../datasource';
import type { BetraceQuery } from '../types';

interface Props {
  id(name: string): string;
  query: BetraceQuery;
  datasource: BetraceDataSource;
  onChange(part: Partial<BetraceQuery>): void;
}

const DEFAULT_LIMIT = 200;
const MAX_LIMIT = 5000;

export function TableOptions({ id, query, datasource, onChange }: Props) {
  const [traceId, setTraceId] = useState(query.traceId ?? '');
  const [limit, setLimit] = useState(String(query.limit ?? ''));
  const isGood = limit === '' || (/^[0-9]+$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_LIMIT);
  const services = (part: string) =>
    datasource.names('services').then(
      (names) => names.filter((name) => name.includes(part)).map((value) => ({ value, label: value })),
      () => []
    );
  return (
    <Stack direction="row" gap={1} wrap="wrap">
      <InlineField label={t('table.service', 'Service')} labelWidth={12} htmlFor={id('service')} tooltip={t('table.service-why', 'Some span of the trace has it')}>
        <Combobox
          id={id('service')}
          width={30}
          isClearable
          createCustomValue
          placeholder={t('table.any', 'any')}
          options={services}
          value={query.service ? { value: query.service, label: query.service } : null}
          onChange={(option) => onChange({ service: option?.value })}
        />
      </InlineField>
      <InlineField label={t('table.trace', 'Trace id')} labelWidth={12} htmlFor={id('trace')}>
        <Input
          id={id('trace')}
          width={36}
          placeholder={t('table.any', 'any')}
          value={traceId}
          onChange={(event) => setTraceId(event.currentTarget.value)}
          onBlur={() => onChange({ traceId: traceId.trim() || undefined })}
        />
      </InlineField>
      <InlineField label={t('table.limit', 'Limit')} labelWidth={12} htmlFor={id('limit')} invalid={!isGood} error={t('table.limit-bad', 'A number from 1 to {{most}}', { most: MAX_LIMIT })}>
        <Input
          id={id('limit')}
          width={12}
          inputMode="numeric"
          placeholder={String(DEFAULT_LIMIT)}
          value={limit}
          onChange={(event) => setLimit(event.currentTarget.value.trim())}
          onBlur={() => isGood && onChange({ limit: limit === '' ? undefined : Number(limit) })}
        />
      </InlineField>
    </Stack>
  );
}
