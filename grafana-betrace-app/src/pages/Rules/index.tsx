// All rules, filtered by the URL.
import { t } from '@grafana/i18n';
import { Button, LinkButton, Stack } from '@grafana/ui';
import { useEffect, useRef, useState } from 'react';
import { useRules } from '../../api/rules';
import type { Rule } from '../../api/types';
import { EmptyState } from '../../components/EmptyState';
import { useWriteDisabledReason } from '../../components/Forbidden';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { PageFrame } from '../../host/context';
import { ACTIONS } from '../../permissions';
import { useUrls } from '../../routing/useUrls';
import { useUrlState } from '../../routing/useUrlState';
import { DeleteRule } from '../../rules/DeleteRule';
import { ExportRules } from '../../rules/ExportRules';
import { isFiltered, NO_FILTER, RULE_PARAMETERS, ruleFilter } from '../../rules/filters';
import { ImportRules } from '../../rules/ImportRules';
import { RuleFilters } from '../../rules/RuleFilters';
import { RuleTable } from '../../rules/RuleTable';

function NoRules({ filtered, onClear, onImport, disabled }: { filtered: boolean; onClear(): void; onImport(): void; disabled?: string }) {
  const to = useUrls();
  if (filtered) {
    return (
      <EmptyState
        title={t('rules.none-match', 'No rule matches')}
        action={<Button onClick={onClear}>{t('rules.clear', 'Clear the filters')}</Button>}
      >
        {t('rules.none-match-why', 'There may be rules that these filters leave out.')}
      </EmptyState>
    );
  }
  const action = (
    <Stack direction="row" gap={1}>
      <LinkButton href={to.newRule()}>{t('rules.write', 'Write a rule')}</LinkButton>
      <Button variant="secondary" disabled={Boolean(disabled)} tooltip={disabled} onClick={onImport}>
        {t('rules.import', 'Import')}
      </Button>
    </Stack>
  );
  return (
    <EmptyState title={t('rules.none', 'There are no rules yet')} action={action}>
      {t('rules.none-why', 'A rule says what must be true of a trace. Write one, or import a pack of them.')}
    </EmptyState>
  );
}

/** Whoever asks for more goes on at the first row that came: the button is further down then, or gone. */
function useGoOn(shown: number) {
  const table = useRef<HTMLDivElement>(null);
  const from = useRef<number>();
  useEffect(() => {
    if (from.current !== undefined && shown > from.current) {
      table.current?.querySelectorAll('tbody tr')[from.current]?.querySelector('a')?.focus();
      from.current = undefined;
    }
  }, [shown]);
  return { table, begin: () => (from.current = shown) };
}

export default function RulesPage() {
  const to = useUrls();
  const [state, set] = useUrlState(RULE_PARAMETERS);
  const [importing, setImporting] = useState(false);
  const [deleting, setDeleting] = useState<Rule | null>(null);
  const writeReason = useWriteDisabledReason(ACTIONS.writeRules);
  const switchReason = useWriteDisabledReason(ACTIONS.operateRules);
  const filter = ruleFilter(state);
  const rules = useRules(filter);
  const all = rules.data?.pages.flatMap((page) => page.rules) ?? [];
  const { table, begin } = useGoOn(all.length);
  const addLabel = (label: string) => !state.label.includes(label) && set({ label: [...state.label, label] });
  const actions = (
    <>
      <ExportRules filter={filter} />
      <Button variant="secondary" icon="upload" disabled={Boolean(writeReason)} tooltip={writeReason} onClick={() => setImporting(true)}>
        {t('rules.import', 'Import')}
      </Button>
      <LinkButton icon="plus" href={to.newRule()}>
        {t('rules.new', 'New rule')}
      </LinkButton>
    </>
  );
  return (
    <PageFrame title={t('rules.title', 'Rules')} actions={actions}>
      <Stack direction="column" gap={2}>
        <RuleFilters state={state} set={set} />
        <QuestionProblem asked={rules} title={t('rules.unread', 'The rules could not be read')} />
        {rules.isPending && <Loading />}
        {rules.data && all.length === 0 && (
          <NoRules filtered={isFiltered(state)} disabled={writeReason} onClear={() => set(NO_FILTER)} onImport={() => setImporting(true)} />
        )}
        <div ref={table}>
          {all.length > 0 && <RuleTable rules={all} disabled={writeReason} cannotSwitch={switchReason} onLabel={addLabel} onDelete={setDeleting} />}
        </div>
        {rules.hasNextPage && (
          <Button
            variant="secondary"
            disabled={rules.isFetchingNextPage}
            onClick={() => {
              begin();
              void rules.fetchNextPage();
            }}
          >
            {t('rules.more', 'Show more')}
          </Button>
        )}
      </Stack>
      {importing && <ImportRules onDismiss={() => setImporting(false)} />}
      {deleting && <DeleteRule rule={deleting} onDismiss={() => setDeleting(null)} onDone={() => setDeleting(null)} />}
    </PageFrame>
  );
}
