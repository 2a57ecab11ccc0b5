// The filters above the list of rules.
import { t } from '@grafana/i18n';
import { Button, Combobox, Input, RadioButtonGroup, Stack, Tag } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { PLAIN } from '../i18n';
import { SEVERITIES } from '../api/types';
import { severityText } from '../components/SeverityBadge';
import type { SetOptions } from '../routing/useUrlState';
import { isFiltered, NO_FILTER, type RuleFilterState } from './filters';

interface Props {
  state: RuleFilterState;
  set(change: Partial<RuleFilterState>, options?: SetOptions): void;
}

const TYPED_AFTER_MS = 250;

/** What is typed goes into the URL a little later, and not as a step of "back". */
function SearchField({ q, onSearch }: { q: string; onSearch(q: string): void }) {
  const [text, setText] = useState(q);
  const [seen, setSeen] = useState(q);
  if (seen !== q) {
    // the URL changed by itself (back, a link): show what it says
    setSeen(q);
    setText(q);
  }
  useEffect(() => {
    const timer = setTimeout(() => text !== q && onSearch(text), TYPED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, q, onSearch]);
  return (
    <Input
      id="rules-q"
      type="search"
      width={40}
      aria-label={t('rules.search', 'Search rules')}
      placeholder={t('rules.search-in', 'Id, name, description or text')}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}

const ENABLED = { all: null, enabled: true, disabled: false } as const;
type EnabledChoice = keyof typeof ENABLED;

export function RuleFilters({ state, set }: Props) {
  const [onSearch] = useState(() => (q: string) => set({ q }, { replace: true }));
  const enabled: EnabledChoice = state.enabled === null ? 'all' : state.enabled ? 'enabled' : 'disabled';
  return (
    <Stack direction="row" gap={1} wrap="wrap" alignItems="center">
      <SearchField q={state.q} onSearch={onSearch} />
      <Combobox
        id="rules-severity"
        aria-label={t('rules.severity', 'Severity')}
        width={22}
        isClearable
        placeholder={t('rules.any', 'Any severity')}
        options={SEVERITIES.map((severity) => ({ value: severity, label: severityText(severity) }))}
        value={state.severity || null}
        onChange={(option) => set({ severity: option?.value ?? '' })}
      />
      <RadioButtonGroup<EnabledChoice>
        aria-label={t('rules.enabled', 'Enabled or disabled')}
        value={enabled}
        onChange={(choice) => set({ enabled: ENABLED[choice] })}
        options={[
          { value: 'all', label: t('rules.all', 'All') },
          { value: 'enabled', label: t('rules.only-enabled', 'Enabled') },
          { value: 'disabled', label: t('rules.only-disabled', 'Disabled') },
        ]}
      />
      {state.label.map((label) => (
        <Tag
          key={label}
          name={label}
          icon="times"
          aria-label={t('rules.label-remove', 'Remove the filter {{label}}', { ...PLAIN, label })}
          onClick={() => set({ label: state.label.filter((one) => one !== label) })}
        />
      ))}
      {state.framework && (
        <Tag
          name={state.framework}
          icon="times"
          aria-label={t('rules.label-remove', 'Remove the filter {{label}}', { ...PLAIN, label: state.framework })}
          onClick={() => set({ framework: '' })}
        />
      )}
      {isFiltered(state) && (
        <Button variant="secondary" fill="text" icon="times" onClick={() => set(NO_FILTER)}>
          {t('rules.clear', 'Clear the filters')}
        </Button>
      )}
    </Stack>
  );
}
