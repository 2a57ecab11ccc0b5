// One violation: why, shown in the trace. It is judged again when the page is opened, from the trace as the source has
// it now. So the page also says when the trace is gone, and when it does not break the rule any more.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, ClipboardButton, LinkButton, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { useLocation, useParams } from 'react-router-dom';

import { PLAIN } from '../../i18n';
import { ApiError } from '../../api/problem';
import type { TraceVerdicts, Violation } from '../../api/types';
import { useTraceVerdicts } from '../../api/violations';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { VerdictBadge, verdictText } from '../../components/VerdictBadge';
import { PageFrame } from '../../host/context';
import { KeptBeside } from '../../kept/KeptBeside';
import { useUrls } from '../../routing/useUrls';
import { FailureBox } from '../../trace/FailureBox';
import { LinkedTraces } from '../../trace/LinkedTraces';
import { TracePanes } from '../../trace/TracePanes';
import { useExploreTrace } from '../../trace/useExploreTrace';
import { VerdictList } from '../../trace/VerdictList';
import { FirstViolation } from '../../violations/FirstViolation';
import { NeighbourNav } from '../../violations/NeighbourNav';
import { listSearch, useViolationList } from '../../violations/useViolationList';
import { ViolationFacts } from '../../violations/ViolationFacts';

/** What replays call a text that is not stored. */
const AD_HOC = 'ad-hoc';

/** The trace is there, and there is no violation of this rule in it: why not, as far as it is known. */
function NotViolated({ verdicts, ruleId }: { verdicts: TraceVerdicts; ruleId: string }) {
  const verdict = verdicts.verdicts.find((item) => item.rule_id === ruleId);
  const broken = verdicts.not_evaluated.find((item) => item.rule_id === ruleId);
  if (ruleId === AD_HOC) {
    return (
      <Alert severity="info" title={t('violation.ad-hoc', 'This trace violates a rule that is not saved')}>
        {t(
          'violation.ad-hoc-text',
          'The service does not keep its text, so it is not judged again here. Below is the trace, and what the saved rules say of it.'
        )}
      </Alert>
    );
  }
  if (verdict) {
    const values = { verdict: verdictText(verdict.verdict).toLowerCase(), version: verdict.rule_version };
    return (
      <Alert severity="info" title={t('violation.not-any-more', 'This trace does not violate the rule as it is now')}>
        <VerdictBadge verdict={verdict.verdict} reason={verdict.reason} />{' '}
        {t(
          'violation.not-any-more-text',
          'Its verdict with version {{version}} is: {{verdict}}. Spans that came later, or a change of the rule, can undo a violation.',
          { ...PLAIN, ...values }
        )}
      </Alert>
    );
  }
  return (
    <Alert severity="warning" title={t('violation.not-judged', 'The rule was not asked about this trace')}>
      {broken
        ? t('violation.broken', 'Its text does not compile: {{reason}}', { ...PLAIN, reason: broken.reason })
        : t('violation.no-rule', 'There is no enabled rule {{ruleId}}: it was disabled or deleted, or the link is wrong.', {
            ...PLAIN,
            ruleId,
          })}
    </Alert>
  );
}

/** The source does not have the trace. What the list still knows is shown, since nothing else will. */
function Gone({ error, listed }: { error: ApiError; listed: Violation | null }) {
  return (
    <>
      <Alert severity="warning" title={t('violation.gone', 'The trace is not there')}>
        <p>{error.detail}</p>
        <p>
          {t(
            'violation.gone-text',
            'Traces are not kept by BeTrace. This one is past the retention of Tempo, was lost, has not arrived yet, or belongs to another tenant; or the link is wrong.'
          )}
        </p>
      </Alert>
      {listed && (
        <>
          <p>{listed.message}</p>
          <FailureBox violation={listed} choice={0} onChoice={() => undefined} />
        </>
      )}
    </>
  );
}

/** The time to look for the trace in: its own, else that of the violation. */
function timeOf(verdicts: TraceVerdicts | undefined, violation: Violation | null) {
  const from = verdicts?.start ?? violation?.time;
  const to = verdicts?.end ?? violation?.time;
  return from && to ? { fromMs: Date.parse(from), toMs: Date.parse(to) } : null;
}

interface ActionsProps {
  violation: Violation | null;
  verdicts: TraceVerdicts | undefined;
  traceId: string;
  children: React.ReactNode;
}

function Actions({ violation, verdicts, traceId, children }: ActionsProps) {
  const exploreTrace = useExploreTrace();
  const time = timeOf(verdicts, violation);
  const link = /^https?:/.test(violation?.trace_url ?? '') && violation?.trace_url; // as the service's --trace-link-template says
  const explore = time && exploreTrace(traceId, violation?.span_id ?? null, time);
  return (
    <>
      {children}
      <ClipboardButton variant="secondary" icon="copy" getText={() => traceId}>
        {t('violation.copy-trace', 'Copy trace id')}
      </ClipboardButton>
      <ClipboardButton variant="secondary" icon="link" getText={() => window.location.href}>
        {t('violation.copy-link', 'Copy link')}
      </ClipboardButton>
      {explore && (
        <LinkButton variant="primary" icon="compass" href={explore}>
          {t('violation.explore', 'Open in Explore')}
        </LinkButton>
      )}
      {link && (
        <LinkButton variant={explore ? 'secondary' : 'primary'} icon="external-link-alt" href={link}>
          {t('violation.trace-page', 'Open the trace')}
        </LinkButton>
      )}
    </>
  );
}

function Content({ verdicts, violation, ruleId }: { verdicts: TraceVerdicts; violation: Violation | null; ruleId: string }) {
  const [choice, setChoice] = useState(0);
  const { search } = useLocation();
  const labels = { spans: t('trace.label', 'Spans of the trace'), selected: t('trace.details.label', 'Selected span') };
  return (
    <>
      {violation ? (
        <FailureBox violation={violation} choice={choice} onChoice={setChoice} />
      ) : (
        <NotViolated verdicts={verdicts} ruleId={ruleId} />
      )}
      {violation && <FirstViolation rules={[{ id: ruleId, name: violation.rule_name }]} />}
      {violation && <KeptBeside violation={violation} />}
      <TracePanes verdicts={verdicts} violation={violation} choice={choice} labels={labels} />
      <LinkedTraces verdicts={verdicts} violation={violation} choice={choice} />
      <VerdictList verdicts={verdicts} ruleId={ruleId} search={listSearch(search)} />
    </>
  );
}

export default function ViolationPage() {
  const styles = useStyles2(getStyles);
  const { ruleId = '', traceId = '' } = useParams();
  const { search } = useLocation();
  const to = useUrls();
  // Only who comes from a list has neighbours, and the list says its range in the link.
  const hasList = new URLSearchParams(search).has('from');
  const list = useViolationList({ enabled: hasList });
  const query = useTraceVerdicts(traceId, { spans: true });
  const listed = list.violations.find((item) => item.trace_id === traceId && item.rule_id === ruleId) ?? null;
  const verdict = query.data?.verdicts.find((item) => item.rule_id === ruleId);
  const violation = verdict?.violation ?? null;
  const shown = violation ?? (query.data ? null : listed);
  const isGone = query.error instanceof ApiError && query.error.status === 404;
  return (
    <PageFrame
      title={shown?.rule_name ?? verdict?.rule_name ?? ruleId}
      subTitle={shown && <ViolationFacts violation={shown} />}
      parent={{ text: t('violations.title', 'Violations'), url: to.violations() + listSearch(search) }}
      actions={
        <Actions violation={shown} verdicts={query.data} traceId={traceId}>
          {hasList && <NeighbourNav list={list} traceId={traceId} ruleId={ruleId} />}
        </Actions>
      }
    >
      <p className={styles.trace}>
        {t('violation.trace', 'Trace')} <code>{traceId}</code>
        {query.data && (
          <>
            {' · '}
            {t('violation.trace-facts', '{{n}} spans, begun by {{name}} of {{service}}', {
              ...PLAIN,
              n: query.data.span_count.toLocaleString(),
              name: query.data.root_name || '–',
              service: query.data.root_service || '–',
            })}
          </>
        )}
      </p>
      {query.isPending && <Loading text={t('violation.loading', 'Reading the trace…')} />}
      {!isGone && <QuestionProblem asked={query} title={t('violation.failed', 'The trace could not be read')} />}
      {query.data && <Content key={`${ruleId} ${traceId}`} verdicts={query.data} violation={violation} ruleId={ruleId} />}
      {isGone && query.error instanceof ApiError && <Gone error={query.error} listed={listed} />}
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  trace: css({ color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
});
