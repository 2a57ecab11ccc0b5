// The report of one framework over a range. It is made when somebody asks; its id is in the address, so a reload shows the same report again.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Button, Checkbox, useStyles2 } from '@grafana/ui';
import { useParams } from 'react-router-dom';
import { useAskForReport, useCancelReport, useFrameworks, useReport, type Report } from '../../api/compliance';
import { ApiError } from '../../api/problem';
import { CoverageNotice } from '../../components/CoverageNotice';
import { EmptyState } from '../../components/EmptyState';
import { ErrorState } from '../../components/ErrorState';
import { Loading } from '../../components/Loading';
import { useWriteDisabledReason } from '../../components/Forbidden';
import { TimeRange } from '../../components/TimeRange';
import { formatTime } from '../../components/TimeText';
import { ControlTable } from '../../compliance/ControlTable';
import { ExportButtons } from '../../compliance/ExportButtons';
import { hasRules, inOrder, partsOfReport, STATUSES, type ReportParts } from '../../compliance/reportParts';
import { controlStatusText } from '../../compliance/StatusBadge';
import { PageFrame, useHost } from '../../host/context';
import { PLAIN } from '../../i18n';
import { ACTIONS } from '../../permissions';
import { Facts } from '../../replays/Facts';
import { useUrlTimeRange } from '../../routing/timeRange';
import { useUrls } from '../../routing/useUrls';
import { param, useUrlState } from '../../routing/useUrlState';

const PARAMETERS = { report: param.text(), all: param.flag() };

function Signature({ isSigned, chainHead }: Pick<ReportParts, 'isSigned' | 'chainHead'>) {
  return isSigned ? (
    <p>{t('framework.signed', 'Signed. Check it with: betrace verify-report FILE --key PUBLIC_KEY. Head of its chain: {{head}}', { head: chainHead })}</p>
  ) : (
    <Alert severity="info" title={t('framework.unsigned', 'This report is not signed, so it proves nothing to others')}>
      {t('framework.unsigned-why', 'Start the service with --evidence-key FILE (docs/howto/evidence-for-an-auditor.md says how to make one).')}
    </Alert>
  );
}

function TimeStamp({ timeStamp }: Pick<ReportParts, 'timeStamp'>) {
  if (!timeStamp) {return null;}
  return (
    <li>
      {timeStamp.token
        ? t('framework.time-stamp', 'A time-stamp authority stamped it. Check that with --timestamp-ca ROOTS.')
        : t('framework.no-time-stamp', 'It has no time stamp: {{reason}}', { ...PLAIN, reason: timeStamp.reason ?? '' })}
    </li>
  );
}

/** What shows when it was made, and whether one is missing before it. */
function Place({ head, timeStamp }: Pick<ReportParts, 'head' | 'timeStamp'>) {
  const { previous } = head;
  return (
    <ul>
      <TimeStamp timeStamp={timeStamp} />
      {previous?.report_id && <li>{t('framework.previous', 'The report before it: {{id}}', { ...PLAIN, id: previous.report_id })}</li>}
      {previous?.reason && <li>{t('framework.no-previous', 'The report before it is not known: {{reason}}', { ...PLAIN, reason: previous.reason })}</li>}
    </ul>
  );
}

function Made({ report, all, onAll }: { report: Report; all: boolean; onAll(all: boolean): void }) {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const parts = partsOfReport(report);
  const { head, controls, totals } = parts;
  const shown = inOrder(all ? controls : controls.filter(hasRules));
  const range = t('framework.range', '{{start}} to {{end}}', { start: formatTime(head.range.start, zone), end: formatTime(head.settled_end, zone) });
  return (
    <div className={styles.page}>
      <div className={styles.line}>
        <strong>{t('framework.made-of', '{{framework}}: report over {{range}}', { ...PLAIN, framework: head.framework.title || head.framework.name, range })}</strong>
        <ExportButtons id={head.report_id} name={`${head.framework.name}-${head.range.end.slice(0, 10)}`} />
      </div>
      {head.notes.length > 0 && (
        <Alert severity="warning" title={t('framework.notes', 'Read this first')}>
          <ul>
            {head.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Alert>
      )}
      <CoverageNotice coverage={head.coverage} />
      <Signature {...parts} />
      <Place {...parts} />
      <Facts
        label={t('framework.totals', 'Controls by status')}
        facts={STATUSES.filter((status) => totals[status]).map((status) => ({ name: controlStatusText(status), value: (totals[status] ?? 0).toLocaleString() }))}
      />
      <div>
        <Checkbox label={t('framework.all', 'Also controls without rules')} value={all} onChange={(event) => onAll(event.currentTarget.checked)} />
      </div>
      {shown.length > 0 ? (
        <ControlTable controls={shown} range={{ start: head.range.start, end: head.range.end }} />
      ) : (
        <EmptyState icon="clipboard-alt" title={t('framework.no-rules', 'No rule stands for a control of this framework')}>
          {t('framework.no-rules-text', 'So nothing is claimed. Annotate a rule with the control that it stands for.')}
        </EmptyState>
      )}
    </div>
  );
}

/** Who may cancel replays may cancel reports: the route behind Grafana asks for that. */
function UnderWay({ id, progress, error, onCancelled }: { id: string; progress: number; error: unknown; onCancelled(): void }) {
  const styles = useStyles2(getStyles);
  const cancel = useCancelReport();
  const mayNot = useWriteDisabledReason(ACTIONS.writeReplays);
  const percent = Math.floor(progress * 100);
  return (
    <>
      <div className={styles.line}>
        <p className={styles.line} role="status">
          <progress max={100} value={percent} aria-label={t('framework.progress', 'Progress')} />
          {t('framework.under-way', 'The report is being made: {{percent}} %. It goes on if you leave this page.', { percent })}
        </p>
        <Button
          variant="destructive"
          icon="times"
          disabled={cancel.isPending || Boolean(mayNot)}
          tooltip={mayNot}
          onClick={() => cancel.mutate(id, { onSuccess: onCancelled })}
        >
          {t('framework.cancel', 'Cancel')}
        </Button>
      </div>
      {Boolean(cancel.error ?? error) && <ErrorState error={cancel.error ?? error} />}
    </>
  );
}

interface ReportPartProps {
  id: string;
  all: boolean;
  onAll(all: boolean): void;
  onCancelled(): void;
}

function ReportPart({ id, all, onAll, onCancelled }: ReportPartProps) {
  const { data, error, refetch } = useReport(id);
  if (error instanceof ApiError && error.status === 404) {
    return (
      <EmptyState icon="clipboard-alt" title={t('framework.gone', 'This report is not kept any more')}>
        {t('framework.gone-text', 'The service keeps reports until newer ones need the room, or it restarts. Make it again; evidence that matters is kept as a file.')}
      </EmptyState>
    );
  }
  if (error && !data) {
    return <ErrorState error={error} onRetry={() => void refetch()} />;
  }
  if (data?.state === 'made') {
    return <Made report={data.report} all={all} onAll={onAll} />;
  }
  return data ? <UnderWay id={id} progress={data.progress} error={error} onCancelled={onCancelled} /> : <Loading />;
}

export default function FrameworkPage() {
  const { framework = '' } = useParams();
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const range = useUrlTimeRange();
  const [{ report, all }, set] = useUrlState(PARAMETERS);
  const frameworks = useFrameworks();
  const make = useAskForReport();
  const known = frameworks.data?.frameworks.find((one) => one.name === framework);
  const start = () => make.mutate({ framework, start: range.start, end: range.end }, { onSuccess: (id) => set({ report: id }) });
  return (
    <PageFrame title={known?.title ?? framework} parent={{ text: t('compliance.title', 'Compliance'), url: to.compliance() }}>
      <div className={styles.page}>
        <div className={styles.line}>
          <TimeRange value={range} />
          <Button icon="clipboard-alt" disabled={make.isPending} onClick={start}>
            {report ? t('framework.make-again', 'Make a new report') : t('framework.make', 'Make the report')}
          </Button>
        </div>
        {make.error && <ErrorState error={make.error} title={t('framework.not-made', 'The report was not made')} />}
        {report ? (
          <ReportPart id={report} all={all === true} onAll={(value) => set({ all: value || null })} onCancelled={() => set({ report: '' })} />
        ) : (
          !make.error && (
            <EmptyState icon="clipboard-alt" title={t('framework.none', 'No report yet')}>
              {t('framework.none-text', 'A report evaluates every enabled rule of this framework over the whole range, with an exact count. Over many days that takes a while.')}
            </EmptyState>
          )
        )}
      </div>
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  line: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1, 2) }),
});
