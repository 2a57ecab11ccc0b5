// The past next to the text: what this text says of the last hour, asked while it is typed. A question waits until the
// typing stops, and typing on aborts it: the service ends its work for a caller who is gone. A rule that nothing narrows
// would read every trace, so it is asked only by a click. What takes longer than a part of the answer may is gone on
// with from there, and what was found so far is shown meanwhile.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Text, useStyles2 } from '@grafana/ui';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'react-router-dom';
import { useApi } from '../api/context';
import { useEveryPage } from '../api/everyPage';
import type { RuleCheck, ViolationPage } from '../api/types';
import { CoverageNotice, coverageFacts, gapLines } from '../components/CoverageNotice';
import { ErrorState } from '../components/ErrorState';
import { List } from '../components/List';
import { Loading } from '../components/Loading';
import { TimeText } from '../components/TimeText';
import { type Check, useSettled } from '../editor/useCheck';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { isStillLooking, reasonSentence } from '../violations/coverageWords';

/** After the last key; the check of the text (300 ms) is there before. */
const ASK_AFTER_MS = 800;
const MOST = 200;
const EXAMPLES = 3;
/** What one part of the answer may take, and how many there are before an hour counts as too much to look at. */
const PART = '5s';
const MOST_PARTS = 12;

interface Answer {
  page: ViolationPage;
  seconds: number;
}

/** Parts of one answer as one: numbers and coverage are those of the last, which counts what came before. */
function joined(parts: readonly Answer[] | undefined): Answer | undefined {
  const last = parts?.[parts.length - 1];
  const found = parts?.flatMap(({ page }) => page.violations) ?? [];
  return (
    last && {
      page: { ...last.page, violations: [...new Map(found.map((one) => [one.id, one])).values()] },
      seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    }
  );
}

/** A text that is null asks nothing, and what was asked before is aborted. */
function usePast(dsl: string | null) {
  const api = useApi();
  const past = useInfiniteQuery({
    queryKey: ['violations', 'live', dsl],
    queryFn: async ({ pageParam, signal }): Promise<Answer> => {
      const begun = performance.now();
      const body = { dsl: dsl ?? '', start: 'now-1h', end: 'now', limit: MOST, cursor: pageParam, timeout: PART };
      const page = await api.post('/v1/violations/query', { body, signal });
      return { page, seconds: (performance.now() - begun) / 1000 };
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ page }, parts) => (isStillLooking(page) && parts.length < MOST_PARTS ? page.cursor : null),
    enabled: dsl !== null,
    staleTime: 60_000,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
  });
  return useEveryPage(past);
}

/** A number is exact only where the service says so. */
export function countText(page: ViolationPage): string {
  if (page.total_count === 0 && gapLines(page.coverage, 'utc').length > 0) {
    return t('live.none-where', 'Violating traces in the last hour: none where there were traces');
  }
  if (page.total_count !== null && page.coverage.provisional_from) {
    return t('live.so-far', 'Violating traces in the last hour: {{n}} so far', { n: page.total_count });
  }
  if (page.total_count !== null) {
    return t('live.count', 'Violating traces in the last hour: {{n}}', { n: page.total_count });
  }
  return page.violations.length > 0
    ? t('live.at-least', 'Violating traces in the last hour: at least {{n}}', { n: page.violations.length })
    : t('live.not-known', 'Violating traces in the last hour: not known');
}

function costText({ page, seconds }: Answer): string {
  const values = { traces: page.traces_evaluated.toLocaleString(), seconds: seconds.toFixed(1) };
  return page.traces_evaluated_kind === 'exact'
    ? t('live.cost', 'It took {{seconds}} s. Traces that were looked at: {{traces}}.', { ...PLAIN, ...values })
    : t('live.cost-at-least', 'It took {{seconds}} s. Traces that were looked at: at least {{traces}}.', { ...PLAIN, ...values });
}

function Examples({ page }: { page: ViolationPage }) {
  const { search } = useLocation();
  const linkTo = (traceId: string) => {
    const parameters = new URLSearchParams(search);
    parameters.set('panel', 'test');
    parameters.set('trace', traceId);
    return { search: `?${parameters}` };
  };
  return (
    <List>
      {page.violations.slice(0, EXAMPLES).map((violation) => (
        <li key={violation.id}>
          <Link to={linkTo(violation.trace_id)}>
            <TimeText time={violation.time} /> {violation.trace_id.slice(0, 8)}…
          </Link>
          <br />
          <Text color="secondary">{violation.message}</Text>
        </li>
      ))}
    </List>
  );
}

function Said({ answer, goesOn }: { answer: Answer; goesOn: boolean }) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const { page } = answer;
  const hasNoData = coverageFacts(page.coverage, zone).state === 'no_data';
  return (
    <>
      <div role="status">{!hasNoData && <Text weight="medium">{countText(page)}</Text>}</div>
      {page.estimated && <Text color="warning">{page.estimated.text}</Text>}
      <div className={styles.examples}>
        <Examples page={page} />
      </div>
      {goesOn ? <Loading isLine text={t('live.further', 'Looking further…')} /> : <CoverageNotice coverage={page.coverage} reason={reasonSentence(page.reason)} />}
      <Text color="secondary" variant="bodySmall">
        {costText(answer)}
      </Text>
    </>
  );
}

type Strategy = NonNullable<RuleCheck['explain']>['strategy'];

function Asked({ dsl, check, strategy }: { dsl: string; check: Check; strategy: Strategy | undefined }) {
  const [wanted, setWanted] = useState('');
  const settled = useSettled(dsl, ASK_AFTER_MS);
  const isDear = strategy === 'every_trace' && wanted !== dsl;
  const past = usePast(check.current?.valid && settled === dsl && !isDear ? dsl : null);
  if (check.current && !check.current.valid) {
    return <Text color="secondary">{t('live.invalid', 'Not asked: the text has errors.')}</Text>;
  }
  if (isDear) {
    return (
      <>
        <Text color="secondary">
          {t('live.dear', 'Not asked by itself: nothing in this rule narrows the search, so every trace of the hour is read.')}
        </Text>
        <Button size="sm" variant="secondary" onClick={() => setWanted(dsl)}>
          {t('live.ask', 'Ask the last hour')}
        </Button>
      </>
    );
  }
  if (past.error) {
    return (
      <ErrorState error={past.error} title={t('live.failed', 'The last hour could not be asked')} onRetry={() => void past.refetch()} />
    );
  }
  const answer = joined(past.data?.pages);
  return answer ? <Said answer={answer} goesOn={past.hasNextPage} /> : <Loading isLine text={t('live.loading', 'Looking at the last hour…')} />;
}

export function LivePast({ dsl, check }: { dsl: string; check: Check }) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.box} aria-label={t('live.label', 'The last hour')}>
      <Text element="h3" variant="h5">
        {t('live.label', 'The last hour')}
      </Text>
      {dsl.trim() === '' ? (
        <Text color="secondary">{t('live.empty', 'What the rule would have said of the last hour appears here while you type.')}</Text>
      ) : (
        <Asked dsl={dsl} check={check} strategy={check.current?.explain?.strategy} />
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'flex-start',
    gap: theme.spacing(1),
    minWidth: 0,
    padding: theme.spacing(1.5),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    '& > *': { maxWidth: '100%' },
  }),
  examples: css({ overflowWrap: 'anywhere', '& a': { color: theme.colors.text.link } }),
});
