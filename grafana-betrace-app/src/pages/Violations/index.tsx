// Violations: as problems, or each; when they happened, and of how many traces. The service computes everything on demand, so
// the page always says which part of the range it covers.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';

import { useAllRules } from '../../api/rules';
import type { Rule, Violation } from '../../api/types';
import { TimeRange } from '../../components/TimeRange';
import { PageFrame } from '../../host/context';
import { ExportMenu } from '../../violations/ExportMenu';
import { FilterBar } from '../../violations/FilterBar';
import { keepingView, viewOf, type ViolationFilters } from '../../violations/filters';
import { FirstViolation, type NamedRule } from '../../violations/FirstViolation';
import { ListSection } from '../../violations/ListSection';
import { ProblemSection } from '../../violations/ProblemSection';
import { TimelineSection } from '../../violations/TimelineSection';
import { useViolationList } from '../../violations/useViolationList';

/** The rules that "when did it start" can be asked of: those of the filter, else those that the list shows. */
function rulesToAskOf(chosen: readonly string[], rules: readonly Rule[], violations: readonly Violation[]): NamedRule[] {
  const names = new Map(rules.map((rule) => [rule.id, rule.name]));
  violations.forEach((violation) => names.set(violation.rule_id, violation.rule_name));
  const ids = chosen.length ? chosen : [...new Set(violations.map((violation) => violation.rule_id))].sort();
  return ids.map((id) => ({ id, name: names.get(id) || id }));
}

interface SingleProps {
  list: ReturnType<typeof useViolationList>;
  rules: readonly Rule[] | undefined;
  /** undefined: it is not known whether one is enabled */
  knownRules: readonly Rule[] | undefined;
}

function SingleViolations({ list, rules, knownRules }: SingleProps) {
  const styles = useStyles2(getStyles);
  const [asksFirst, setAsksFirst] = useState(false);
  // It goes through the whole list, and a page that is asked for draws this several times.
  const askable = useMemo(() => rulesToAskOf(list.filters.rule, rules ?? [], list.violations), [list.filters.rule, rules, list.violations]);
  return (
    <>
      {rules?.length !== 0 && <TimelineSection list={list} />}
      {askable.length > 0 && (
        <div className={styles.first}>
          <Button
            size="sm"
            variant="secondary"
            fill="text"
            icon={asksFirst ? 'angle-down' : 'angle-right'}
            aria-expanded={asksFirst}
            onClick={() => setAsksFirst(!asksFirst)}
          >
            {t('violations.first.label', 'When did it start?')}
          </Button>
          {asksFirst && <FirstViolation rules={askable} />}
        </div>
      )}
      <ListSection list={list} rules={knownRules} />
    </>
  );
}

export default function Violations() {
  const styles = useStyles2(getStyles);
  const client = useQueryClient();
  const stored = useAllRules();
  const rules = useMemo(() => stored.data?.pages.flatMap((page) => page.rules), [stored.data]);
  // As long as pages of them are missing it is not known whether one is enabled.
  const knownRules = stored.hasNextPage && !rules?.some((rule) => rule.enabled) ? undefined : rules;
  // Where none is enabled the list says so.
  const isGrouped = (filters: ViolationFilters) => viewOf(filters) === 'problems' && (!knownRules || knownRules.some((rule) => rule.enabled));
  const list = useViolationList({ enabled: (filters) => !isGrouped(filters) });
  const services = useMemo(() => [...new Set(list.violations.flatMap((violation) => violation.services ?? []))].sort(), [list.violations]);
  const setFilters = (change: Partial<ViolationFilters>) => list.setFilters(keepingView(list.filters, change));
  const refresh = () => void Promise.all(['violations', 'series', 'problems', 'problem-state'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  const actions = (
    <>
      {/* Not from the first drawing on: an icon whose name changes while that is under way keeps the first one. The list says itself that it is asked for. */}
      <TimeRange value={list.range} onRefresh={refresh} loading={list.query.isFetching && !list.query.isPending} />
      {list.lastPage && <ExportMenu violations={list.violations} page={list.lastPage} filters={list.filters} />}
    </>
  );
  return (
    <PageFrame title={t('violations.title', 'Violations')} actions={actions}>
      <FilterBar filters={list.filters} onChange={setFilters} rules={rules ?? []} services={services} />
      <RadioButtonGroup
        aria-label={t('violations.view.label', 'What is listed')}
        className={styles.view}
        options={[
          { value: 'problems' as const, label: t('violations.view.problems', 'Problems') },
          { value: 'list' as const, label: t('violations.view.list', 'Every violation') },
        ]}
        value={viewOf(list.filters)}
        onChange={(view) => setFilters({ view, problem: '' })}
      />
      {isGrouped(list.filters) ? (
        <ProblemSection filters={list.filters} range={list.range} rules={knownRules} setFilters={setFilters} />
      ) : (
        <SingleViolations list={{ ...list, setFilters }} rules={rules} knownRules={knownRules} />
      )}
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  view: css({ width: 'fit-content', marginBottom: theme.spacing(1) }),
  first: css({ marginTop: theme.spacing(0.5) }),
});
