// Start a replay, and see those before it.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, useStyles2 } from '@grafana/ui';
import { useNavigate } from 'react-router-dom';
import { useReplays } from '../../api/replays';
import { EmptyState } from '../../components/EmptyState';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { PageFrame } from '../../host/context';
import { FORM_PARAMETERS } from '../../replays/formState';
import { ReplayForm } from '../../replays/ReplayForm';
import { ReplayList } from '../../replays/ReplayList';
import { useUrlTimeRange } from '../../routing/timeRange';
import { useUrls } from '../../routing/useUrls';
import { useUrlState } from '../../routing/useUrlState';

function Earlier() {
  const replays = useReplays();
  const all = (replays.data?.pages ?? []).flatMap((page) => page.replays);
  if (replays.isPending) {
    return <Loading />;
  }
  if (replays.error && !all.length) {
    return <QuestionProblem asked={replays} />;
  }
  if (!all.length) {
    return (
      <EmptyState icon="history" title={t('replays.empty', 'No replays yet')}>
        {t('replays.empty-text', 'A replay applies rules to traces of the past. Start one above; it is kept until the service restarts.')}
      </EmptyState>
    );
  }
  return (
    <>
      <QuestionProblem asked={replays} />
      <ReplayList replays={all} />
      {replays.hasNextPage && (
        <Button variant="secondary" disabled={replays.isFetchingNextPage} onClick={() => void replays.fetchNextPage()}>
          {t('replays.more', 'Show older ones')}
        </Button>
      )}
    </>
  );
}

export default function Replays() {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const navigate = useNavigate();
  const range = useUrlTimeRange();
  const [state, setState] = useUrlState(FORM_PARAMETERS);
  // the text of an unsaved rule goes along: the service does not keep it
  const onStarted = (id: string) => void navigate(to.replay(id, { dsl: state.what === 'dsl' ? state.dsl : null }));
  return (
    <PageFrame title={t('replays.title', 'Replay')} subTitle={t('replays.subtitle', 'Rules over the traces of the past')}>
      <div className={styles.page}>
        <ReplayForm state={state} onChange={setState} range={range} onStarted={onStarted} />
        <section>
          <h2 className={styles.heading}>{t('replays.earlier', 'Earlier replays')}</h2>
          <Earlier />
        </section>
      </div>
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(3) }),
  heading: css({ ...theme.typography.h4 }),
});
