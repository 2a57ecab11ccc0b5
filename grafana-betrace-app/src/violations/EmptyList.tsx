// Why there is nothing to list, and what to do. "None" is said only of what was read in full.
import { t } from '@grafana/i18n';
import { Button, LinkButton } from '@grafana/ui';

import { PLAIN } from '../i18n';
import type { ViolationPage } from '../api/types';
import { gapLines, lacksTraces, lateLines } from '../components/CoverageNotice';
import { EmptyState } from '../components/EmptyState';
import { Loading } from '../components/Loading';
import { formatTime } from '../components/TimeText';
import { useHost } from '../host/context';
import { useUrls } from '../routing/useUrls';
import { reasonSentence, tracesInWords, type Emptiness } from './coverageWords';
import type { ViolationFilters } from './filters';
import { NotExercised } from './NotExercised';

interface Props {
  why: Emptiness;
  page: ViolationPage;
  filters: ViolationFilters;
  isNarrowed: boolean;
  isLoading: boolean;
  onClear(): void;
  onGoOn(): void;
  onRetry(): void;
}

function noneText(page: ViolationPage, isNarrowed: boolean, zone: string): string {
  const { asked, effective_end } = page.coverage;
  const values = { ...PLAIN, from: formatTime(asked.start, zone), to: formatTime(effective_end, zone) };
  if (lacksTraces(page.coverage)) {
    return t('violations.none.kept', 'All traces from {{from}} to {{to}} that were kept were looked at: none of them violates an enabled rule.', values);
  }
  return isNarrowed
    ? t('violations.none.narrowed', 'All traces from {{from}} to {{to}} were looked at; none violates the rules with these filters.', values)
    : t('violations.none.all', 'All traces from {{from}} to {{to}} were looked at; none violates an enabled rule.', values);
}

function noneTitle(page: ViolationPage, hasGaps: boolean): string {
  const values = { ...PLAIN, traces: tracesInWords(page) };
  if (lacksTraces(page.coverage)) {
    return t('violations.none.title-kept', 'No violations among {{traces}} that were kept', values);
  }
  if (hasGaps) {
    return t('violations.none.title-where', 'No violations where there were traces: {{traces}}', values);
  }
  return page.coverage.provisional_from
    ? t('violations.none.title-yet', 'No violations so far among {{traces}}', values)
    : t('violations.none.title', 'No violations among {{traces}}', values);
}

function NoneFound({ page, filters, isNarrowed, onClear }: Pick<Props, 'page' | 'filters' | 'isNarrowed' | 'onClear'>) {
  const zone = useHost().timeZone();
  const gaps = gapLines(page.coverage, zone);
  const late = lateLines(page.coverage, zone);
  return (
    <EmptyState
      icon={gaps.length || late.length ? 'question-circle' : 'check-circle'}
      title={noneTitle(page, gaps.length > 0)}
      action={
        isNarrowed ? (
          <Button variant="secondary" onClick={onClear}>
            {t('violations.filter.clear', 'Clear filters')}
          </Button>
        ) : undefined
      }
    >
      {[noneText(page, isNarrowed, zone), ...gaps, ...late].map((line) => (
        <div key={line}>{line}</div>
      ))}
      <NotExercised filters={filters} coverage={page.coverage} />
    </EmptyState>
  );
}

export function EmptyList({ why, page, filters, isNarrowed, isLoading, onClear, onGoOn, onRetry }: Props) {
  const to = useUrls();
  const reason = reasonSentence(page.reason);
  switch (why) {
    case 'no-rules':
      return (
        <EmptyState
          icon="file-alt"
          title={t('violations.no-rules.title', 'There are no rules yet')}
          action={<LinkButton href={to.newRule()}>{t('violations.no-rules.next', 'Write a rule')}</LinkButton>}
        >
          {t('violations.no-rules.text', 'A violation is a trace that breaks a rule: without rules nothing is looked at.')}
        </EmptyState>
      );
    case 'none-enabled':
      return (
        <EmptyState
          icon="pause"
          title={t('violations.none-enabled.title', 'No rule is enabled')}
          action={<LinkButton href={to.rules()}>{t('violations.none-enabled.next', 'See the rules')}</LinkButton>}
        >
          {t('violations.none-enabled.text', 'Only enabled rules are looked at.')}
        </EmptyState>
      );
    case 'none-found':
      return <NoneFound page={page} filters={filters} isNarrowed={isNarrowed} onClear={onClear} />;
    case 'still-looking':
      return isLoading ? (
        <Loading text={t('violations.still-looking.now', 'None so far. Looking at the rest of the range…')} />
      ) : (
        <EmptyState
          icon="search"
          title={t('violations.still-looking.title', 'None so far')}
          action={<Button onClick={onGoOn}>{t('violations.still-looking.next', 'Look further')}</Button>}
        >
          {t('violations.still-looking.text', 'A part of the range was not looked at yet.')}
        </EmptyState>
      );
    case 'source-down':
      return (
        <EmptyState
          icon="exclamation-triangle"
          title={t('violations.source-down.title', 'The traces could not be read')}
          action={
            <Button icon="sync" onClick={onRetry}>
              {t('violations.source-down.next', 'Try again')}
            </Button>
          }
        >
          {t('violations.source-down.text', 'Nothing is known about this range: {{reason}}', { ...PLAIN, reason })}
        </EmptyState>
      );
    case 'no-such-problem':
      return (
        <EmptyState
          icon="question-circle"
          title={t('violations.no-such-problem.title', 'No violation of this problem is known here')}
          action={
            <Button variant="secondary" onClick={onClear}>
              {t('violations.filter.clear', 'Clear filters')}
            </Button>
          }
        >
          {t('violations.nothing.text', 'This is not “no violations”: {{reason}}', { ...PLAIN, reason })}
        </EmptyState>
      );
    case 'nothing-looked-at':
      return (
        <EmptyState
          icon="question-circle"
          title={t('violations.nothing.title', 'Nothing was looked at')}
          action={
            <LinkButton variant="secondary" href={to.start()}>
              {t('violations.nothing.next', 'Check the connection')}
            </LinkButton>
          }
        >
          {t('violations.nothing.text', 'This is not “no violations”: {{reason}}', { ...PLAIN, reason })}
        </EmptyState>
      );
  }
}
