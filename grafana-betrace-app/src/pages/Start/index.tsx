// The first page: what to do next, how the service is, what the last day brought, what was replayed lately.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { LinkButton, useStyles2 } from '@grafana/ui';
import { useReplays } from '../../api/replays';
import { useAllRules, useRules } from '../../api/rules';
import { useReady } from '../../api/service';
import { ErrorState } from '../../components/ErrorState';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { isUnreachable } from '../../components/Unreachable';
import { PageFrame, useHost, usePermission } from '../../host/context';
import { ACTIONS } from '../../permissions';
import { ReplayList } from '../../replays/ReplayList';
import { useUrls } from '../../routing/useUrls';
import { Card } from '../../start/Card';
import { DayCard } from '../../start/DayCard';
import { NoRules, NoSource } from '../../start/FirstSteps';
import { ServiceCard } from '../../start/ServiceCard';
import { UnjudgedCard } from '../../start/UnjudgedCard';

const RECENT = 5;

function RecentReplays() {
  const to = useUrls();
  const replays = useReplays(RECENT);
  const recent = replays.data?.pages[0]?.replays ?? [];
  return (
    <Card
      title={t('start.replays.title', 'Recent replays')}
      actions={
        <LinkButton size="sm" variant="secondary" href={to.replays()}>
          {t('start.replays.new', 'New replay')}
        </LinkButton>
      }
    >
      {replays.isPending && <Loading />}
      <QuestionProblem asked={replays} />
      {replays.data && !recent.length && <p>{t('start.replays.none', 'None yet. A replay says whether a rule was ever broken, and when that started.')}</p>}
      {recent.length > 0 && <ReplayList replays={recent} />}
    </Card>
  );
}

/** What stands where the day's violations would, while there is nothing to evaluate. */
function Day() {
  const styles = useStyles2(getStyles);
  const rules = useRules({}, 1);
  const enabled = useAllRules({ enabled: true });
  const ready = useReady();
  const source = ready.data?.parts.source;
  if (source && !source.ready) {
    return <NoSource reason={source.reason ?? ''} />;
  }
  const asked = { ...(rules.error ? rules : enabled), refetch: () => Promise.all([rules.refetch(), enabled.refetch()]) };
  if (!rules.data || !enabled.data) {
    return asked.error ? <QuestionProblem asked={asked} /> : <Loading />;
  }
  if (!rules.data.pages[0].rules.length) {
    return <NoRules />;
  }
  const judged = enabled.data.pages.flatMap((page) => page.rules);
  if (!judged.length) {
    return <NoneEnabled />;
  }
  return (
    <div className={styles.page}>
      <QuestionProblem asked={asked} />
      <DayCard rules={judged} />
      <UnjudgedCard rules={judged} />
    </div>
  );
}

function NoneEnabled() {
  const to = useUrls();
  return (
    <Card title={t('start.disabled.title', 'No rule is enabled')}>
      <p>{t('start.disabled.text', 'All stored rules are disabled: BeTrace evaluates none of them unless you replay one by name.')}</p>
      <LinkButton href={to.rules()}>{t('start.disabled.next', 'See the rules')}</LinkButton>
    </Card>
  );
}

function Parts() {
  const styles = useStyles2(getStyles);
  const maySeeReplays = usePermission(ACTIONS.readReplays);
  const maySeeViolations = usePermission(ACTIONS.readViolations);
  return (
    <div className={styles.page}>
      <div className={styles.top}>
        {maySeeViolations && <Day />}
        <ServiceCard />
      </div>
      {maySeeReplays && <RecentReplays />}
    </div>
  );
}

export default function Start() {
  const host = useHost();
  const ready = useReady();
  // said once, not by each part
  const isDown = isUnreachable(ready.error, host);
  return (
    <PageFrame title={t('start.title', 'BeTrace')} subTitle={t('start.subtitle', 'Did our traces ever break a rule, when did it start, can you prove it?')}>
      {isDown ? <ErrorState error={ready.error} onRetry={() => void ready.refetch()} /> : <Parts />}
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2), minWidth: 0 }),
  top: css({ display: 'grid', gap: theme.spacing(2), alignItems: 'start', gridTemplateColumns: 'repeat(auto-fit, minmax(min(420px, 100%), 1fr))' }),
});
