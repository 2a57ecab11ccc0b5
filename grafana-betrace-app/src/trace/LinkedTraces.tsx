// The traces that span links tie to the one that is looked at, below it. Each has its waterfall and its witnesses, and says which span links to which. A
// link that is missing is a dashed row. A trace is read when it is shown: the first that hold witnesses at once, the others on a click.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Button, Icon, useStyles2 } from '@grafana/ui';
import { useMemo, useState } from 'react';
import { Link } from 'react-router-dom';

import type { TraceVerdicts, Violation } from '../api/types';
import { useTraceVerdicts } from '../api/violations';
import { Loading } from '../components/Loading';
import { QuestionProblem } from '../components/StaleNotice';
import { PLAIN } from '../i18n';
import { useUrls } from '../routing/useUrls';
import { isReadAtOnce, linkedTraces, linkText, missingLink, nameOfTrace, type LinkedTrace } from './linked';
import { LinkLines } from './LinkLines';
import { namesOfSpans } from './linkLines';
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

const nameOf = ({ traceId, facts }: LinkedTrace): string => nameOfTrace(facts) ?? traceId;

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

interface LinkedProps extends Props {
  trace: LinkedTrace;
  /** how the rule asks for it */
  link: string | null;
  isOpenAtFirst: boolean;
  /** of the spans of the trace that is looked at */
  ownNames: ReadonlyMap<string, string>;
}

type Asked = ReturnType<typeof useTraceVerdicts>;

/** The spans of a linked trace, asked for when they are drawn. */
function Spans({ trace, asked, violation, choice }: Omit<Props, 'verdicts'> & { trace: LinkedTrace; asked: Asked }) {
  const name = nameOf(trace);
  const labels = {
    spans: t('trace.linked.spans-label', 'Spans of the linked trace {{name}}', { ...PLAIN, name }),
    selected: t('trace.linked.selected-label', 'Selected span of the linked trace {{name}}', { ...PLAIN, name }),
  };
  return (
    <>
      {asked.isPending && <Loading text={t('trace.linked.loading', 'Reading the linked trace…')} />}
      <QuestionProblem asked={asked} title={t('trace.linked.failed', 'The linked trace could not be read')} />
      {asked.data && <TracePanes verdicts={asked.data} violation={violation} choice={choice} labels={labels} />}
    </>
  );
}

function Head({ trace, violation, isOpen, onToggle }: { trace: LinkedTrace; violation: Violation | null; isOpen: boolean; onToggle(): void }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const name = nameOf(trace);
  const action = isOpen ? t('trace.linked.close', 'Hide its spans') : t('trace.linked.open', 'Show its spans');
  return (
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
        onClick={onToggle}
      >
        {action}
      </Button>
      {violation && (
        <Link to={to.violation(violation.rule_id, trace.traceId)} className={styles.id}>
          {t('trace.linked.go', 'Open trace {{id}}', { ...PLAIN, id: trace.traceId })}
        </Link>
      )}
    </div>
  );
}

function Linked({ trace, link, isOpenAtFirst, ownNames, verdicts, violation, choice }: LinkedProps) {
  const styles = useStyles2(getStyles);
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? isOpenAtFirst;
  const asked = useTraceVerdicts(trace.traceId, { spans: true, enabled: isOpen });
  const names = useMemo(
    () => new Map([[verdicts.trace_id, ownNames], [trace.traceId, namesOfSpans(asked.data?.spans)]]),
    [verdicts.trace_id, ownNames, trace.traceId, asked.data]
  );
  return (
    <section className={styles.trace} aria-label={t('trace.linked.one', 'Linked trace {{name}}', { ...PLAIN, name: nameOf(trace) })}>
      <Head trace={trace} violation={violation} isOpen={isOpen} onToggle={() => setChosen(!isOpen)} />
      <Facts trace={trace} link={link} />
      {trace.facts && <LinkLines facts={trace.facts} verdicts={verdicts} names={names} onChoose={() => setChosen(true)} />}
      {isOpen && <Spans trace={trace} asked={asked} violation={violation} choice={choice} />}
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
  const ownNames = useMemo(() => namesOfSpans(verdicts.spans), [verdicts.spans]);
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
          ownNames={ownNames}
          verdicts={verdicts}
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
