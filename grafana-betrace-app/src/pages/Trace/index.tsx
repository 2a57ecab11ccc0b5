// One trace by its id, without a violation: its spans, and what each rule says of it.
import { t } from '@grafana/i18n';
import { ClipboardButton, LinkButton } from '@grafana/ui';
import { useLocation, useParams } from 'react-router-dom';

import { useTraceVerdicts } from '../../api/violations';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { PageFrame } from '../../host/context';
import { PLAIN } from '../../i18n';
import { useUrls } from '../../routing/useUrls';
import { TracePanes } from '../../trace/TracePanes';
import { useExploreTrace } from '../../trace/useExploreTrace';
import { VerdictList } from '../../trace/VerdictList';

export default function TracePage() {
  const { traceId = '' } = useParams();
  const { search } = useLocation(); // of the comparison that it is an example of
  const to = useUrls();
  const exploreTrace = useExploreTrace();
  const asked = useTraceVerdicts(traceId, { spans: true });
  const trace = asked.data;
  const time = trace?.start && trace.end ? { fromMs: Date.parse(trace.start), toMs: Date.parse(trace.end) } : null;
  const explore = time && exploreTrace(traceId, null, time);
  const facts = trace && {
    ...PLAIN,
    n: trace.span_count.toLocaleString(),
    name: trace.root_name || '–',
    service: trace.root_service || '–',
  };
  const labels = { spans: t('trace.label', 'Spans of the trace'), selected: t('trace.details.label', 'Selected span') };
  return (
    <PageFrame
      title={t('trace.title', 'Trace {{traceId}}', { ...PLAIN, traceId: traceId.slice(0, 8) })}
      subTitle={facts && t('violation.trace-facts', '{{n}} spans, begun by {{name}} of {{service}}', facts)}
      parent={{ text: t('changes.title', 'What changed'), url: to.changes() + search }}
      actions={
        <>
          <ClipboardButton variant="secondary" icon="copy" getText={() => traceId}>
            {t('violation.copy-trace', 'Copy trace id')}
          </ClipboardButton>
          {explore && (
            <LinkButton variant="primary" icon="compass" href={explore}>
              {t('violation.explore', 'Open in Explore')}
            </LinkButton>
          )}
        </>
      }
    >
      {asked.isPending && <Loading text={t('violation.loading', 'Reading the trace…')} />}
      <QuestionProblem asked={asked} title={t('violation.failed', 'The trace could not be read')} />
      {trace && <TracePanes verdicts={trace} violation={null} choice={0} labels={labels} />}
      {trace && trace.verdicts.length + trace.not_evaluated.length > 0 && <VerdictList verdicts={trace} ruleId="" search="" />}
    </PageFrame>
  );
}
