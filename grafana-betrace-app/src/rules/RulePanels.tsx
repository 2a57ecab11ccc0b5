// The panels below a rule.
import { t } from '@grafana/i18n';
import type { DataNote } from '../api/problem';
import type { Rule } from '../api/types';
import { Loading } from '../components/Loading';
import { EmptyState } from '../components/EmptyState';
import type { Check } from '../editor/useCheck';
import { useUrlTimeRange } from '../routing/timeRange';
import { CheckPanel } from './CheckPanel';
import { CostPanel } from './CostPanel';
import type { Draft } from './draft';
import { HistoryPanel } from './HistoryPanel';
import { PastPanel } from './PastPanel';
import { TestPanel } from './TestPanel';

export const PANELS = ['check', 'test', 'past', 'cost', 'history'] as const;
export type PanelName = (typeof PANELS)[number];

interface Props {
  panel: PanelName;
  rule: Rule | null;
  draft: Draft;
  changed: Array<keyof Draft>;
  check: Check;
  traceId: string;
  /** why nothing can be changed here */
  disabled?: string;
  edit(change: Partial<Draft>): void;
  onTraceId(traceId: string): void;
  onTest(traceId: string): void;
  onNotes(dsl: string, notes: DataNote[]): void;
}

function blockedReason(draft: Draft, check: Check): string | undefined {
  if (draft.dsl.trim() === '') {
    return t('rule.blocked.empty', 'Write the rule first');
  }
  return check.current && !check.current.valid ? t('rule.blocked.invalid', 'The text has errors') : undefined;
}

export function RulePanels({ panel, rule, draft, changed, check, traceId, disabled, edit, onTraceId, onTest, onNotes }: Props) {
  const range = useUrlTimeRange();
  const blocked = blockedReason(draft, check);
  const textChanged = changed.includes('dsl');
  if (panel === 'test') {
    return (
      <TestPanel
        dsl={draft.dsl}
        blocked={blocked}
        traceId={traceId}
        onTraceId={onTraceId}
        ruleId={textChanged ? undefined : rule?.id}
        onNotes={onNotes}
      />
    );
  }
  if (panel === 'past') {
    return <PastPanel dsl={draft.dsl} blocked={blocked} savedId={textChanged ? rule?.id : undefined} onTest={onTest} />;
  }
  if (panel === 'cost' && rule) {
    return <CostPanel id={rule.id} start={range.start} end={range.end} changed={textChanged} />;
  }
  if (panel === 'history' && rule) {
    return <HistoryPanel id={rule.id} disabled={disabled} onTake={(taken) => edit({ ...taken, id: draft.id })} />;
  }
  if (draft.dsl.trim() === '') {
    return (
      <EmptyState title={t('rule.blank', 'What must be true of a trace?')}>
        {t(
          'rule.blank-text',
          'For example, when a payment is captured, there has to be a fraud check before it. What the text means and asks of Tempo appears here.'
        )}
      </EmptyState>
    );
  }
  return check.latest ? (
    <CheckPanel
      dsl={draft.dsl}
      check={check.current ?? check.latest}
      onFix={(dsl) => edit({ dsl })}
      disabled={Boolean(disabled) || !check.current}
    />
  ) : check.error ? null : (
    <Loading />
  );
}
