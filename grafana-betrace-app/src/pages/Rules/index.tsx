// All rules with what they did in the last day, by packs, filtered by the URL.
import { t } from '@grafana/i18n';
import { Button, LinkButton, Stack } from '@grafana/ui';
import { useMemo, useState } from 'react';
import { useAllRules } from '../../api/rules';
import type { Rule } from '../../api/types';
import { EmptyState } from '../../components/EmptyState';
import { useWriteDisabledReason } from '../../components/Forbidden';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { PageFrame } from '../../host/context';
import { ACTIONS } from '../../permissions';
import { useUrls } from '../../routing/useUrls';
import { useUrlState } from '../../routing/useUrlState';
import { HEALTHS, healthWord, type Health, type RuleDay } from '../../rules/board';
import { useChosen } from '../../rules/chosen';
import { DeleteRule } from '../../rules/DeleteRule';
import { ExportRules } from '../../rules/ExportRules';
import { isFiltered, NO_FILTER, RULE_PARAMETERS, ruleFilter } from '../../rules/filters';
import { ImportRules } from '../../rules/ImportRules';
import { ManyRules } from '../../rules/ManyRules';
import { RuleBoard } from '../../rules/RuleBoard';
import { RuleFilters } from '../../rules/RuleFilters';
import { useBoard } from '../../rules/useBoard';

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

/** How many rules are in which state, each a filter: what cannot be judged is found here. */
function States({ days, state, set }: { days: readonly RuleDay[]; state: Health | ''; set(state: Health | ''): void }) {
  return (
    <Stack direction="row" gap={1} wrap="wrap" alignItems="center">
      {HEALTHS.filter((health) => health === state || days.some((day) => day.health === health)).map((health) => (
        <Button
          key={health}
          size="sm"
          variant="secondary"
          icon={health === state ? 'check' : undefined}
          aria-pressed={health === state}
          onClick={() => set(health === state ? '' : health)}
        >
          {`${healthWord(health)}: ${days.filter((day) => day.health === health).length}`}
        </Button>
      ))}
    </Stack>
  );
}

const NONE: Rule[] = [];

export default function RulesPage() {
  const to = useUrls();
  const [state, set] = useUrlState(RULE_PARAMETERS);
  const [importing, setImporting] = useState(false);
  const [deleting, setDeleting] = useState<Rule | null>(null);
  const writeReason = useWriteDisabledReason(ACTIONS.writeRules);
  const switchReason = useWriteDisabledReason(ACTIONS.operateRules);
  const filter = ruleFilter(state);
  const rules = useAllRules(filter);
  const all = useMemo(() => rules.data?.pages.flatMap((page) => page.rules) ?? NONE, [rules.data]);
  const { days, asked, ask } = useBoard(all);
  const shown = state.state ? all.filter(({ id }) => days.get(id)?.health === state.state) : all;
  const chosen = useChosen(all);
  const open = isFiltered(state) ? undefined : state.open;
  const isHidden = ({ id, labels }: Rule) => chosen.has(id) && (!shown.some((rule) => rule.id === id) || Boolean(open && labels.pack && !open.includes(labels.pack)));
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
        {all.length > 0 && <States days={[...days.values()]} state={state.state} set={(one) => set({ state: one })} />}
        {all.length > 0 && ask && (
          <Stack direction="row" gap={1} wrap="wrap" alignItems="center">
            <Button size="sm" icon="search" onClick={ask}>
              {t('rules.look', 'Look at the last 24 hours')}
            </Button>
            <span>{t('rules.look-cost', 'It searches the store for each enabled rule, which can take minutes. What is found is kept for 10 minutes.')}</span>
          </Stack>
        )}
        {all.length > 0 && <QuestionProblem asked={asked} title={t('rules.day-unread', 'What the rules did in the last day is not known')} />}
        {rules.data && shown.length === 0 && (
          <NoRules filtered={isFiltered(state)} disabled={writeReason} onClear={() => set(NO_FILTER)} onImport={() => setImporting(true)} />
        )}
        {shown.length > 0 && (
          <RuleBoard rules={shown} days={days} open={open} onOpen={(packs) => set({ open: packs }, { replace: true })} chosen={chosen} disabled={writeReason} cannotSwitch={switchReason} onLabel={addLabel} onDelete={setDeleting} />
        )}
        <ManyRules rules={all.filter(({ id }) => chosen.has(id))} hidden={all.filter(isHidden).length} disabled={writeReason} cannotSwitch={switchReason} onClear={() => chosen.set([...chosen.ids], false)} />
      </Stack>
      {importing && <ImportRules onDismiss={() => setImporting(false)} />}
      {deleting && <DeleteRule rule={deleting} onDismiss={() => setDeleting(null)} onDone={() => setDeleting(null)} />}
    </PageFrame>
  );
}
