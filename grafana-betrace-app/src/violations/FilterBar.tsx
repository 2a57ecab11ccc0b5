// What narrows the list. Each choice is in the URL at once; texts are when they are finished (Enter, or leaving the field).
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Combobox, InlineField, Input, MultiCombobox, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useState, type KeyboardEvent } from 'react';

import { SEVERITIES, type Rule, type Severity } from '../api/types';
import { severityText } from '../components/SeverityBadge';
import { chosenCount, isNarrowed, isTraceId, NO_FILTERS, viewOf, type ViolationFilters } from './filters';

interface Props {
  filters: ViolationFilters;
  onChange(change: Partial<ViolationFilters>): void;
  rules: readonly Rule[];
  /** seen in the list so far */
  services: readonly string[];
}

/** Names of frameworks that rules are tied to. */
export function frameworksOf(rules: readonly Rule[]): string[] {
  return [...new Set(rules.flatMap((rule) => rule.controls.map((control) => control.framework)))].sort();
}

function ruleOptions(rules: readonly Rule[], chosen: readonly string[]) {
  const known = rules.map((rule) => ({
    value: rule.id,
    label: rule.name || rule.id,
    description: rule.enabled ? undefined : t('violations.filter.disabled', 'disabled'),
  }));
  const ids = new Set(known.map(({ value }) => value));
  return [...known, ...chosen.filter((id) => !ids.has(id)).map((id) => ({ value: id, label: id }))];
}

function TraceIdField({ value, onChange }: { value: string; onChange(value: string): void }) {
  const [text, setText] = useState(value);
  const [before, setBefore] = useState(value);
  if (before !== value) {
    setBefore(value);
    setText(value);
  }
  const wanted = text.trim();
  const isWrong = wanted !== '' && !isTraceId(wanted);
  const finish = () => !isWrong && wanted.toLowerCase() !== value && onChange(wanted.toLowerCase());
  return (
    <InlineField
      label={t('violations.filter.trace', 'Trace id')}
      invalid={isWrong}
      error={t('violations.filter.trace-wrong', 'A trace id has 1 to 32 hex digits')}
    >
      <Input
        id="violations-trace"
        value={text}
        width={20}
        placeholder={t('violations.filter.any', 'Any')}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={finish}
        onKeyDown={(event: KeyboardEvent) => event.key === 'Enter' && finish()}
      />
    </InlineField>
  );
}

function OneOf({
  id,
  label,
  value,
  options,
  onChange,
  isFree = false,
}: {
  id: string;
  label: string;
  value: string;
  options: readonly string[];
  onChange(value: string): void;
  isFree?: boolean;
}) {
  const all = value && !options.includes(value) ? [...options, value] : options;
  return (
    <InlineField label={label}>
      <Combobox
        id={id}
        aria-label={label}
        width="auto"
        minWidth={12}
        maxWidth={30}
        isClearable
        createCustomValue={isFree}
        placeholder={t('violations.filter.any', 'Any')}
        value={value || null}
        options={all.map((option) => ({ value: option, label: option }))}
        onChange={(option) => onChange(option?.value ?? '')}
      />
    </InlineField>
  );
}

export function FilterBar({ filters, onChange, rules, services }: Props) {
  const styles = useStyles2(getStyles);
  const any = t('violations.filter.any', 'Any');
  const severities = SEVERITIES.map((value) => ({ value, label: severityText(value) }));
  const [isOpen, setIsOpen] = useState(false); // on a phone
  const chosen = chosenCount(filters);
  return (
    <>
      <Button className={styles.opener} variant="secondary" icon="filter" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {chosen > 0 ? t('violations.filter.open-some', 'Filters ({{n}})', { n: chosen }) : t('violations.filter.label', 'Filters')}
      </Button>
      <div className={cx(styles.bar, !isOpen && styles.closed)} role="search" aria-label={t('violations.filter.label', 'Filters')}>
        <InlineField label={t('violations.filter.rule', 'Rule')}>
          <MultiCombobox
            id="violations-rule"
            width="auto"
            minWidth={22}
            maxWidth={50}
            placeholder={t('violations.filter.all-rules', 'All enabled rules')}
            value={filters.rule}
            options={ruleOptions(rules, filters.rule)}
            onChange={(options) => onChange({ rule: options.map(({ value }) => value) })}
          />
        </InlineField>
        <InlineField label={t('violations.filter.severity', 'Severity')}>
          <Combobox<Severity>
            id="violations-severity"
            aria-label={t('violations.filter.severity', 'Severity')}
            width="auto"
            minWidth={12}
            isClearable
            placeholder={any}
            value={filters.severity || null}
            options={severities}
            onChange={(option) => onChange({ severity: option?.value ?? '' })}
          />
        </InlineField>
        <OneOf
          id="violations-framework"
          label={t('violations.filter.framework', 'Framework')}
          value={filters.framework}
          options={frameworksOf(rules)}
          isFree
          onChange={(framework) => onChange({ framework })}
        />
        {viewOf(filters) === 'list' && (
          <>
            <OneOf
              id="violations-service"
              label={t('violations.filter.service', 'Service')}
              value={filters.service}
              options={services}
              isFree
              onChange={(service) => onChange({ service })}
            />
            <TraceIdField value={filters.trace} onChange={(trace) => onChange({ trace })} />
            <RadioButtonGroup
              aria-label={t('violations.filter.order', 'Order')}
              options={[
                { value: 'newest' as const, label: t('violations.filter.newest', 'Newest first') },
                { value: 'oldest' as const, label: t('violations.filter.oldest', 'Oldest first') },
              ]}
              value={filters.order}
              onChange={(order) => onChange({ order })}
            />
            {filters.problem && (
              <Button variant="secondary" icon="times" onClick={() => onChange({ problem: '' })}>
                {t('violations.filter.problem', 'Of one problem only')}
              </Button>
            )}
          </>
        )}
        {isNarrowed(filters) && (
          <Button variant="secondary" fill="text" icon="times" onClick={() => onChange(NO_FILTERS)}>
            {t('violations.filter.clear', 'Clear filters')}
          </Button>
        )}
      </div>
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'flex-start', gap: theme.spacing(0, 1), marginBottom: theme.spacing(1) }),
  opener: css({ marginBottom: theme.spacing(1), [theme.breakpoints.up('sm')]: { display: 'none' } }),
  closed: css({ [theme.breakpoints.down('sm')]: { display: 'none' } }),
});
