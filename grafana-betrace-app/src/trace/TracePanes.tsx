// One trace with what a violation says of it: waterfall, what is missing, and the selected span. The violating trace is drawn by it, and each that
// links tie to it. Which spans are selected is in the URL (selection.ts).
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, useStyles2 } from '@grafana/ui';
import { useCallback, useMemo, useState } from 'react';

import type { TraceVerdicts, Violation } from '../api/types';
import { describeFailure, ghostOf } from './failure';
import { collapseAllBut, openTo, traceItems } from './items';
import { layoutTrace, type TraceLayout } from './layout';
import { nameOfSpan, selectedOf, useSelection, type Selected } from './selection';
import { SpanDetails } from './SpanDetails';
import { SpanSearch } from './SpanSearch';
import { TraceNotices, traceNotices } from './TraceNotices';
import { Waterfall } from './Waterfall';
import { choicesOf, indexById, markWitnesses, spanOfWitness, traceOfWitness, withOneChoice, type Mark } from './witnesses';

interface Props {
  verdicts: TraceVerdicts;
  /** the one that is looked at, of this trace or of one that links tie to it; null: the trace alone */
  violation: Violation | null;
  choice: number;
  /** what screen readers call the waterfall and the selected span */
  labels: { spans: string; selected: string };
}

function firstWitness(layout: TraceLayout, { verdicts, violation, choice }: Props): number {
  const witness = violation && choicesOf(violation)[choice]?.witnesses.find((one) => traceOfWitness(one, violation) === verdicts.trace_id);
  return witness ? spanOfWitness(indexById(layout.spans), layout.spans, witness) : -1;
}

/** Marks of the violation that is looked at, and of all that this trace has, too. */
function useMarks({ verdicts, violation, choice }: Props, layout: TraceLayout) {
  return useMemo(() => {
    const own = verdicts.verdicts.flatMap((verdict) => (verdict.violation ? [verdict.violation] : []));
    const others = violation && violation.trace_id !== verdicts.trace_id ? [violation] : [];
    const shown = markWitnesses(verdicts.trace_id, layout.spans, violation ? [withOneChoice(violation, choice)] : []);
    const all = markWitnesses(verdicts.trace_id, layout.spans, [...others, ...own]);
    return { shown: shown.marks, lost: shown.missing.length, all: all.marks };
  }, [verdicts, violation, layout, choice]);
}

/** What is missing is drawn in the trace that violates the rule. */
function useMissing({ verdicts, violation, choice }: Props, layout: TraceLayout) {
  return useMemo(() => {
    const failure = violation && violation.trace_id === verdicts.trace_id ? describeFailure(choicesOf(violation)[choice]) : null;
    const ghost = ghostOf(layout, failure);
    return failure && ghost ? { failure, ghost } : null;
  }, [verdicts.trace_id, violation, choice, layout]);
}

function Toolbar({
  layout,
  marks,
  onCollapse,
}: {
  layout: TraceLayout;
  marks: ReadonlyMap<number, Mark[]>;
  onCollapse(spans: Set<number>): void;
}) {
  const styles = useStyles2(getStyles);
  const withChildren = layout.rows.filter((row) => row.childCount > 0).map((row) => row.span);
  return (
    <div className={styles.toolbar}>
      <Button size="sm" variant="secondary" fill="text" onClick={() => onCollapse(new Set())}>
        {t('trace.open-all', 'Open all')}
      </Button>
      <Button size="sm" variant="secondary" fill="text" onClick={() => onCollapse(new Set(withChildren))}>
        {t('trace.close-all', 'Close all')}
      </Button>
      {marks.size > 0 && (
        <Button size="sm" variant="secondary" fill="text" onClick={() => onCollapse(collapseAllBut(layout, new Set(marks.keys())))}>
          {t('trace.open-witnesses', 'Open the way to the witnesses')}
        </Button>
      )}
    </div>
  );
}

/** What is closed, and a number that grows when the selected span is to be brought into view. An end of a link was chosen elsewhere: it is seen. */
function useCollapsed(layout: TraceLayout, { span, end }: Selected) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(new Set());
  const [jump, setJump] = useState(0);
  const [seen, setSeen] = useState('');
  if (end !== seen) {
    setSeen(end);
    if (end) {
      setCollapsed(openTo(layout, collapsed, span));
      setJump(jump + 1);
    }
  }
  const collapse = (spans: Set<number>) => {
    setCollapsed(spans);
    setJump(jump + 1);
  };
  const toggle = useCallback((one: number) => {
    setCollapsed((before) => {
      const after = new Set(before);
      return after.delete(one) ? after : after.add(one);
    });
  }, []);
  return { collapsed, jump, collapse, toggle };
}

export function TracePanes(props: Props) {
  const styles = useStyles2(getStyles);
  const { verdicts, labels } = props;
  const [names, select] = useSelection();
  const [isWhole, setWhole] = useState(false);
  const layout = useMemo(() => layoutTrace(verdicts.spans ?? []), [verdicts.spans]);
  const marks = useMarks(props, layout);
  const missing = useMissing(props, layout);
  const named = useMemo(() => selectedOf(names, verdicts.trace_id, layout.spans), [names, verdicts.trace_id, layout]);
  const { collapsed, jump, collapse, toggle } = useCollapsed(layout, named);
  const items = useMemo(() => traceItems(layout, collapsed, missing?.ghost ?? null), [layout, collapsed, missing]);
  const witness = firstWitness(layout, props);
  const selected = named.span >= 0 ? named.span : witness >= 0 ? witness : layout.rows.length ? layout.rows[0].span : null;
  const goTo = (span: number) => {
    select([nameOfSpan(layout.spans[span])]);
    collapse(openTo(layout, collapsed, span));
  };
  return (
    <>
      <TraceNotices notices={traceNotices(verdicts, layout, marks.lost)} />
      <div className={styles.tools}>
        <Toolbar layout={layout} marks={marks.shown} onCollapse={collapse} />
        <SpanSearch layout={layout} selected={selected} label={labels.spans} onGo={goTo} />
      </div>
      <div className={styles.panes}>
        <Waterfall
          label={labels.spans}
          layout={layout}
          items={items}
          marks={marks.shown}
          missing={missing}
          collapsed={collapsed}
          onToggle={toggle}
          selected={selected}
          jump={jump}
          onSelect={(span) => select([nameOfSpan(layout.spans[span])])}
        />
        {selected !== null && (
          <SpanDetails
            traceId={verdicts.trace_id}
            layout={layout}
            span={selected}
            marks={marks.all.get(selected) ?? []}
            label={labels.selected}
            isWhole={isWhole}
            onWhole={setWhole}
          />
        )}
      </div>
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  tools: css({ display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', gap: theme.spacing(0.5, 2), marginBottom: theme.spacing(0.5) }),
  toolbar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5) }),
  panes: css({
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) minmax(260px, 340px)',
    alignItems: 'start',
    gap: theme.spacing(2),
    [theme.breakpoints.down('lg')]: { gridTemplateColumns: 'minmax(0, 1fr)' },
  }),
});
