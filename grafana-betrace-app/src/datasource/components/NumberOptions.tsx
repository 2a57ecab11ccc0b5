// How numbers are made: by steps or as one, and what one says when not all was looked at.
import { t } from '@grafana/i18n';
import { Combobox, InlineField, InlineSwitch, Input, Stack } from '@grafana/ui';
import { useState } from 'react';
import type { BetraceQuery } from '../types';

interface Props {
  id(name: string): string;
  query: BetraceQuery;
  alerting: boolean;
  onChange(part: Partial<BetraceQuery>): void;
}

const STEP = /^([1-9][0-9]{0,6}[smhd]|\$.+)?$/;

export function NumberOptions({ id, query, alerting, onChange }: Props) {
  const [step, setStep] = useState(query.step ?? '');
  const isGood = STEP.test(step.trim());
  const instant = alerting || Boolean(query.instant);
  return (
    <Stack direction="row" gap={1} wrap="wrap">
      {!alerting && (
        <InlineField label={t('numbers.instant', 'One number')} labelWidth={16} htmlFor={id('instant')} tooltip={t('numbers.instant-why', 'Over the whole range, instead of a series')}>
          <InlineSwitch id={id('instant')} value={instant} onChange={(event) => onChange({ instant: event.currentTarget.checked || undefined, incomplete: undefined })} />
        </InlineField>
      )}
      <InlineField
        label={t('numbers.step', 'Step')}
        labelWidth={12}
        htmlFor={id('step')}
        invalid={!isGood}
        error={t('numbers.step-bad', 'A step is written like 30s, 5m, 1h or 1d')}
        tooltip={t('numbers.step-why', 'Counts are made in steps of this length; empty: one that fits the panel')}
      >
        <Input
          id={id('step')}
          width={12}
          placeholder={t('numbers.auto', 'auto')}
          value={step}
          onChange={(event) => setStep(event.currentTarget.value)}
          onBlur={() => isGood && onChange({ step: step.trim() || undefined })}
        />
      </InlineField>
      {instant && query.queryType !== 'ratio' && (
        <InlineField
          label={t('numbers.incomplete', 'Not all looked at')}
          labelWidth={20}
          htmlFor={id('incomplete')}
          tooltip={t('numbers.incomplete-why', 'What the number says when a part of the range was not looked at and the rest holds violations. When the rest holds none it is always null, never 0.')}
        >
          <Combobox
            id={id('incomplete')}
            width={30}
            options={[
              { value: 'at_least' as const, label: t('numbers.at-least', 'what was found') },
              { value: 'null' as const, label: t('numbers.null', 'null') },
            ]}
            value={query.incomplete ?? 'at_least'}
            onChange={(option) => onChange({ incomplete: option.value === 'at_least' ? undefined : option.value })}
          />
        </InlineField>
      )}
    </Stack>
  );
}
