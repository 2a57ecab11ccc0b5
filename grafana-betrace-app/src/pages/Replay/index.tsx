// One replay: progress, what was found as it comes, what that rests on, what it cost. Its id is in the address, so a reload loses nothing.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, LinkButton, useStyles2 } from '@grafana/ui';
import { Link, useNavigate, useParams } from 'react-router-dom';
import { isRunning, useDeleteReplay, useReplay } from '../../api/replays';
import { ApiError } from '../../api/problem';
import type { Replay as ReplayAnswer } from '../../api/types';
import { CoverageNotice } from '../../components/CoverageNotice';
import { EmptyState } from '../../components/EmptyState';
import { ErrorState } from '../../components/ErrorState';
import { useWriteDisabledReason } from '../../components/Forbidden';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { formatTime, TimeText } from '../../components/TimeText';
import { PageFrame, useHost } from '../../host/context';
import { ACTIONS } from '../../permissions';
import { Facts, type Fact } from '../../replays/Facts';
import { FindingBox } from '../../replays/FindingBox';
import { ReplayViolations } from '../../replays/ReplayViolations';
import { emissionText, evaluatedText, exercisedText, isAdHoc, priceOf, replayTitle } from '../../replays/replayWords';
import { RuleCounts } from '../../replays/RuleCounts';
import { StatusBadge } from '../../replays/StatusBadge';
import { reasonSentence, reasonWord } from '../../violations/coverageWords';
import { param, useUrlState } from '../../routing/useUrlState';
import { useUrls } from '../../routing/useUrls';

/** `dsl`: the text of an unsaved rule, which the service does not keep. */
const PARAMETERS = { dsl: param.text() };

function NotThere() {
  const to = useUrls();
  return (
    <PageFrame title={t('replay.title', 'Replay')} parent={{ text: t('replays.title', 'Replay'), url: to.replays() }}>
      <EmptyState icon="history" title={t('replay.empty', 'No such replay')} action={<LinkButton href={to.replays()}>{t('replay.next', 'See the replays')}</LinkButton>}>
        {t('replay.empty-text', 'Replays are kept in memory while the service runs, and the oldest make room. This one is not there any more: start it again.')}
      </EmptyState>
    </PageFrame>
  );
}

function Moment({ replay, which }: { replay: ReplayAnswer; which: 'first_violation' | 'last_violation' }) {
  const to = useUrls();
  const moment = replay[which];
  if (!moment?.trace_id) {
    return <>–</>;
  }
  const ruleOf = replay.rules.find((rule) => rule[which]?.trace_id === moment.trace_id);
  return ruleOf && !isAdHoc(replay.rules) ? (
    <Link to={to.violation(ruleOf.rule_id, moment.trace_id, { replay: replay.replay_id })}>
      <TimeText time={moment.time} />
    </Link>
  ) : (
    <TimeText time={moment.time} />
  );
}

function factsOf(replay: ReplayAnswer): Fact[] {
  const emission = emissionText(replay);
  return [
    { name: t('replay.fact.first', 'First violation'), value: <Moment replay={replay} which="first_violation" /> },
    { name: t('replay.fact.last', 'Last violation'), value: <Moment replay={replay} which="last_violation" /> },
    { name: t('replay.fact.evaluated', 'Traces in the range'), value: evaluatedText(replay) },
    // of several rules the table says it
    ...(replay.rules.length === 1 ? [{ name: t('replay.fact.exercised', 'Of them exercised the rule'), value: exercisedText(replay) }] : []),
    { name: t('replay.fact.inconclusive', 'Inconclusive'), value: replay.inconclusive.toLocaleString() },
    ...(emission ? [{ name: t('replay.fact.emission', 'Sent as spans'), value: emission }] : []),
  ];
}

/** The same question once more, in the form. */
function useAgainUrl(replay: ReplayAnswer | undefined, dsl: string): string {
  const to = useUrls();
  const range = { from: replay?.start_time, to: replay?.end_time };
  return dsl ? to.replays({ ...range, what: 'dsl', dsl }) : to.replays({ ...range, rule: replay?.rules.map((rule) => rule.rule_id) });
}

function Actions({ replay, dsl, onCancel, onForget, isBusy }: { replay: ReplayAnswer; dsl: string; onCancel(): void; onForget(): void; isBusy: boolean }) {
  const mayNot = useWriteDisabledReason(ACTIONS.writeReplays);
  const again = useAgainUrl(replay, dsl);
  if (isRunning(replay)) {
    return (
      <Button variant="destructive" icon="times" disabled={isBusy || Boolean(mayNot)} tooltip={mayNot} onClick={onCancel}>
        {t('replay.cancel', 'Cancel')}
      </Button>
    );
  }
  return (
    <>
      {(dsl !== '' || !isAdHoc(replay.rules)) && (
        <LinkButton variant="secondary" icon="sync" href={again}>
          {t('replay.again', 'Replay again')}
        </LinkButton>
      )}
      <Button variant="secondary" icon="trash-alt" disabled={isBusy || Boolean(mayNot)} tooltip={mayNot ?? t('replay.forget-why', 'The service drops this result; traces and violation spans stay')} onClick={onForget}>
        {t('replay.forget', 'Forget')}
      </Button>
    </>
  );
}

/** The notice itself says that there was no trace. */
function coverageReason({ reason = '' }: ReplayAnswer): string {
  return reasonWord(reason) === 'no_data' ? '' : reasonSentence(reason);
}

function Body({ replay, askedAt, dsl }: { replay: ReplayAnswer; askedAt: number; dsl: string }) {
  const styles = useStyles2(getStyles);
  const isDone = !isRunning(replay);
  return (
    <div className={styles.page}>
      {dsl && <pre className={styles.dsl}>{dsl}</pre>}
      <FindingBox replay={replay} />
      <Facts facts={factsOf(replay)} label={t('replay.facts', 'In numbers')} />
      {isDone && <CoverageNotice coverage={replay.coverage} reason={coverageReason(replay)} />}
      {replay.emission_message && <p>{replay.emission_message}</p>}
      {replay.rules.length > 1 && <RuleCounts replay={replay} />}
      <ReplayViolations replay={replay} askedAt={askedAt} />
      <section>
        <h2 className={styles.heading}>{t('replay.price-title', 'What it cost')}</h2>
        <Facts facts={priceOf(replay)} label={t('replay.price-title', 'What it cost')} />
      </section>
    </div>
  );
}

function SubTitle({ replay }: { replay: ReplayAnswer }) {
  const zone = useHost().timeZone();
  const styles = useStyles2(getStyles);
  return (
    <span className={styles.subTitle}>
      <StatusBadge status={replay.status} reason={replay.reason} />
      {replay.start_time && replay.end_time && t('replay.range', '{{start}} to {{end}}', { start: formatTime(replay.start_time, zone), end: formatTime(replay.end_time, zone) })}
    </span>
  );
}

export default function Replay() {
  const { id } = useParams();
  const to = useUrls();
  const navigate = useNavigate();
  const [{ dsl }] = useUrlState(PARAMETERS);
  const cancel = useDeleteReplay();
  const forget = useDeleteReplay();
  const asked = useReplay(forget.isIdle || forget.isError ? id : undefined);
  const { data: replay, error, dataUpdatedAt } = asked;
  if (error instanceof ApiError && error.status === 404) {
    return <NotThere />;
  }
  const title = replay ? replayTitle(replay.rules) : t('replay.title', 'Replay');
  const problem = forget.error ?? cancel.error;
  const actions = replay && (
    <Actions
      replay={replay}
      dsl={dsl}
      isBusy={cancel.isPending || forget.isPending}
      onCancel={() => cancel.mutate(replay.replay_id)}
      onForget={() => forget.mutate(replay.replay_id, { onSuccess: () => void navigate(to.replays()) })}
    />
  );
  return (
    <PageFrame title={title} subTitle={replay && <SubTitle replay={replay} />} actions={actions} parent={{ text: t('replays.title', 'Replay'), url: to.replays() }}>
      {problem ? <ErrorState error={problem} /> : <QuestionProblem asked={asked} />}
      {replay ? <Body replay={replay} askedAt={dataUpdatedAt} dsl={dsl} /> : !problem && !error && <Loading />}
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  heading: css({ ...theme.typography.h4 }),
  subTitle: css({ display: 'inline-flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1) }),
  dsl: css({ margin: 0, whiteSpace: 'pre-wrap' }),
});
