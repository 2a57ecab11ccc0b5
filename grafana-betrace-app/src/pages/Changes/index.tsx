// What changed, without a rule: what traces did before and do no longer, and what they do now that they did not.
import { t } from '@grafana/i18n';

import { useChanges } from '../../api/changes';
import { ChangeList } from '../../changes/ChangeList';
import { ChangesTimeline } from '../../changes/ChangesTimeline';
import { CompareForm } from '../../changes/CompareForm';
import { changesQuery, proposedMoment, QUESTION } from '../../changes/question';
import { ChangesSummary } from '../../changes/ChangesSummary';
import { EmptyState } from '../../components/EmptyState';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { TimeRange } from '../../components/TimeRange';
import { PageFrame } from '../../host/context';
import { useUrlTimeRange } from '../../routing/timeRange';
import { useUrlState } from '../../routing/useUrlState';

export default function Changes() {
  const range = useUrlTimeRange();
  const [question, setQuestion] = useUrlState(QUESTION);
  const query = changesQuery(question, range);
  const asked = useChanges(query);
  const answer = asked.data;
  const shown = { ...question, at: question.at || proposedMoment(range) };
  return (
    <PageFrame
      title={t('changes.title', 'What changed')}
      subTitle={t('changes.subtitle', 'What traces did before and do no longer, and what is new. No rule is needed.')}
      actions={<TimeRange value={range} onRefresh={query ? () => void asked.refetch() : undefined} loading={asked.isFetching} />}
    >
      <CompareForm key={JSON.stringify([question, range.from, range.to])} question={shown} isAsking={asked.isFetching} onAsk={setQuestion} />
      {query === null && (
        <EmptyState icon="exchange-alt" title={t('changes.none-yet', 'Nothing is compared yet')}>
          {t(
            'changes.none-yet-why',
            'Choose the range, and in it a moment or two versions. What the traces of before do is learned from up to 10,000 of them, and as many of after are compared with it.'
          )}
        </EmptyState>
      )}
      {query !== null && asked.isPending && <Loading text={t('changes.loading', 'Reading and comparing traces, which may take a minute…')} />}
      <QuestionProblem asked={asked} title={t('changes.failed', 'It could not be compared')} />
      {answer && (
        <>
          <ChangesSummary answer={answer} />
          {answer.status !== 'unknown' && <ChangesTimeline answer={answer} />}
          {answer.changes.length > 0 && <ChangeList changes={answer.changes} />}
        </>
      )}
    </PageFrame>
  );
}
