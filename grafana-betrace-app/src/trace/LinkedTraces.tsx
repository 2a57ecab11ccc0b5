// The traces that span links tie to the one that is looked at, below it: each with its waterfall and its witnesses, and a dashed row for a link that
// is missing. A trace is read when it is shown: the first that hold witnesses at once, the others on a click.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Button, Icon, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import type { TraceVerdicts, Violation } from '../api/types';
import { useTraceVerdicts } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { PLAIN } from '../i18n';
import { useUrls } from '../routing/useUrls';
import { isReadAtOnce, linkedTraces, linkText, missingLink, type LinkedTrace } from './linked';
import { formatDuration } from './nanoseconds';
import { TracePanes } from './TracePanes';
import { choicesOf } from './witnesses';

interface Props {
  verdicts: TraceVerdicts;
  /** the one that is looked at; null: the traces alone */
  violation: Violation | null;
  choice: number;
}

const LISTED_AT_ONCE = 10;

function nameOf({ traceId, facts }: LinkedTrace): string {
  return facts?.root_name
    ? t('trace.linked.name', '{{name}} of {{service}}', { ...PLAIN, name: facts.root_name, service: facts.root_service ?? '–' })
    : traceId;
}

function countText(spans: number): string {
  return spans === 1 ? t('trace.linked.one-span', 'one span') : t('trace.linked.spans', '{{n}} spans', { ...PLAIN, n: spans.toLocaleString() });
}

function timeText(after: bigint): string {
  return after < 0n
    ? t('trace.linked.before', 'begins {{time}} before this trace', { ...PLAIN, time: formatDuration(-after) })
    : t('trace.linked.after', 'begins {{time}} after this trace', { ...PLAIN, time: formatDuration(after) });
}

function Facts({ trace, link }: { trace: LinkedTrace; link: string | null }) {
  const styles = useStyles2(getStyles);
  const { facts, after, hasWitness } = trace;
  const said = [
    hasWitness && link,
    facts && countText(facts.span_count),
    after !== null && timeText(after),
  ];
  return (
    <div className={styles.facts}>
      {hasWitness && <Badge color="red" icon="eye" text={t('trace.linked.witness', 'Has a witness')} />}
      <span>{said.filter(Boolean).join(' · ')}</span>
      {facts?.incomplete && (
        <span className={styles.warning} data-state="partial">
          <Icon name="question-circle" /> {t('trace.linked.incomplete', 'Spans may be missing in it, so nothing in it counts as absent.')}
        </span>
      )}
    </div>
  );
}

/** The spans of a linked trace, asked for when they are drawn. */
function Spans({ trace, violation, choice }: Omit<Props, 'verdicts'> & { trace: LinkedTrace }) {
  const query = useTraceVerdicts(trace.traceId, { spans: true });
  const name = nameOf(trace);
  const labels = {
    spans: t('trace.linked.spans-label', 'Spans of the linked trace {{name}}', { ...PLAIN, name }),
    selected: t('trace.linked.selected-label', 'Selected span of the linked trace {{name}}', { ...PLAIN, name }),
  };
  return (
    <>
      {query.isPending && <Loading text={t('trace.linked.loading', 'Reading the linked trace…')} />}
      <QuestionProblem asked={query} title={t('trace.linked.failed', 'The linked trace could not be read')} />
      {query.data && <TracePanes verdicts={query.data} violation={violation} choice={choice} labels={labels} />}
    </>
  );
}

function Linked({ trace, link, isOpenAtFirst, ...shown }: Omit<Props, 'verdicts'> & { trace: LinkedTrace; link: string | null; isOpenAtFirst: boolean }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? isOpenAtFirst;
  const name = nameOf(trace);
  const action = isOpen ? t('trace.linked.close', 'Hide its spans') : t('trace.linked.open', 'Show its spans');
  const { violation } = shown;
  return (
    <section className={styles.trace} aria-label={t('trace.linked.one', 'Linked trace {{name}}', { ...PLAIN, name })}>
      <div className={styles.head}>
        <Icon name="link" />
        <h3 className={styles.name}>{name}</h3>
        <Button
          size="sm"
          variant="secondary"
          fill="outline"
          icon={isOpen ? 'angle-down' : 'angle-right'}
          aria-expanded={isOpen}
          aria-label={t('trace.linked.toggle', '{{action}}: {{name}}', { ...PLAIN, action, name })}
          onClick={() => setChosen(!isOpen)}
        >
          {action}
        </Button>
        {violation && (
          <Link to={to.violation(violation.rule_id, trace.traceId)} className={styles.id}>
            {t('trace.linked.go', 'Open trace {{id}}', { ...PLAIN, id: trace.traceId })}
          </Link>
        )}
      </div>
      <Facts trace={trace} link={link} />
      {isOpen && <Spans trace={trace} {...shown} />}
    </section>
  );
}

function MissingLink({ missing }: { missing: NonNullable<ReturnType<typeof missingLink>> }) {
  const styles = useStyles2(getStyles);
  const { failure, restsOnNoTrace } = missing;
  return (
    <section className={cx(styles.trace, styles.missing)} aria-label={t('trace.linked.missing', 'Missing link')}>
      <div className={styles.head}>
        <Badge
          color="orange"
          icon="question-circle"
          text={restsOnNoTrace ? t('trace.linked.no-trace', 'No linked trace') : t('trace.linked.no-span', 'No linked span')}
        />
        <span className={styles.name}>{failure.sentence}</span>
      </div>
      {restsOnNoTrace && (
        <p className={styles.facts}>
          {t(
            'trace.linked.sampled',
            'It is violated because no such trace came. One may have been dropped: a sampler that drops traces one by one leaves the same behind.'
          )}
        </p>
      )}
    </section>
  );
}

export function LinkedTraces(props: Props) {
  const styles = useStyles2(getStyles);
  const { verdicts, violation, choice } = props;
  const [isWhole, setIsWhole] = useState(false);
  const traces = linkedTraces(verdicts, violation, choice);
  const missing = missingLink(violation, choice);
  if (!traces.length && !missing) {
    return null;
  }
  const link = violation && linkText(choicesOf(violation)[choice]);
  const listed = isWhole ? traces : traces.slice(0, LISTED_AT_ONCE);
  const left = traces.length - listed.length;
  return (
    <section className={styles.all} aria-label={t('trace.linked.title', 'Linked traces')}>
      <h2 className={styles.title}>{t('trace.linked.title', 'Linked traces')}</h2>
      {missing && <MissingLink missing={missing} />}
      {listed.map((trace, at) => (
        <Linked
          key={trace.traceId}
          trace={trace}
          link={link}
          isOpenAtFirst={isReadAtOnce(traces, at)}
          violation={violation}
          choice={choice}
        />
      ))}
      {left > 0 && (
        <Button size="sm" variant="secondary" onClick={() => setIsWhole(true)}>
          {t('trace.linked.more', 'List {{n}} more linked traces', { ...PLAIN, n: left })}
        </Button>
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  all: css({ margin: theme.spacing(3, 0) }),
  title: css({ fontSize: theme.typography.h4.fontSize }),
  // The line from the trace above to each linked one: down the left side, with a branch to its name.
  trace: css({
    position: 'relative',
    borderLeft: `2px solid ${theme.colors.border.strong}`,
    marginLeft: theme.spacing(1),
    padding: theme.spacing(0, 0, 2, 3),
    minWidth: 0,
    '&::before': {
      content: '""',
      position: 'absolute',
      left: 0,
      top: 14,
      width: theme.spacing(2),
      borderTop: `2px solid ${theme.colors.border.strong}`,
    },
    '& a': { color: theme.colors.text.link },
  }),
  missing: css({
    borderLeft: `2px dashed ${theme.colors.warning.main}`,
    '&::before': { borderTop: `2px dashed ${theme.colors.warning.main}` },
  }),
  head: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1), minHeight: 28 }),
  name: css({ fontSize: theme.typography.body.fontSize, margin: 0, overflowWrap: 'anywhere', minWidth: 0 }),
  id: css({ fontSize: theme.typography.bodySmall.fontSize, overflowWrap: 'anywhere' }),
  facts: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    color: theme.colors.text.secondary,
    margin: theme.spacing(0.5, 0, 1),
  }),
  warning: css({ color: theme.colors.warning.text }),
});
