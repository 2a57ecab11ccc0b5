// Violations over time: a bar for each step, a hatched one where nobody looked, a lighter one where it is not settled yet, or late spans may be hidden. What a bar says is also said in words, and arrow keys walk along them.
import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2, useTheme2 } from '@grafana/ui';
import { useState, type KeyboardEvent } from 'react';

import { PLAIN } from '../i18n';
import { SEVERITIES, type Severity } from '../api/types';
import { severityText } from '../components/SeverityBadge';
import { useHost } from '../host/context';
import { isOpen, type Bucket, type Timeline as TimelineData } from './buckets';

interface Props {
  timeline: TimelineData;
  /** narrows the range to a bar */
  onPick(start: number, end: number): void;
}

const AXIS_LABELS = 5;
const SCALE_PX = 36;

export function severityColor(theme: GrafanaTheme2, severity: string): string {
  const colors: Record<string, string> = {
    info: 'semi-dark-blue',
    low: 'blue',
    warning: 'purple',
    medium: 'dark-purple',
    high: 'orange',
    error: 'red',
    critical: 'dark-red',
  };
  return theme.visualization.getColorByName(colors[severity] ?? 'gray');
}

/** What a bar says. */
export function bucketInWords(bucket: Bucket, timeZone: string): string {
  const format = (ms: number) => dateTimeFormat(ms, { timeZone, format: 'MM-DD HH:mm:ss' });
  const time = t('violations.timeline.step', '{{from}} to {{to}}', { ...PLAIN, from: format(bucket.start), to: format(bucket.end) });
  if (bucket.isEmpty) {
    return t('violations.timeline.empty', '{{time}}: no trace, so nothing can be said', { ...PLAIN, time });
  }
  if (isOpen(bucket)) {
    return t('violations.timeline.open', '{{time}}: not settled yet', { ...PLAIN, time });
  }
  if (bucket.count === null) {
    return t('violations.timeline.not-looked-at', '{{time}}: not looked at', { ...PLAIN, time });
  }
  const parts = [...SEVERITIES]
    .reverse()
    .filter((severity) => bucket.bySeverity[severity])
    .map((severity) => `${severityText(severity).toLowerCase()} ${bucket.bySeverity[severity]}`)
    .join(', ');
  const values = { time, count: bucket.count, parts, ...bucket.happened };
  if (!parts && typeof bucket.happened?.high === 'number') {
    return t('violations.timeline.at-most', '{{time}}: no violations among the traces that were kept; at most {{high}} happened (95 %)', { ...PLAIN, ...values });
  }
  if (!parts && bucket.isSampled) {
    return t('violations.timeline.none-kept', '{{time}}: no violations among the traces that were kept; of others nothing is known', { ...PLAIN, ...values });
  }
  const said = parts
    ? t('violations.timeline.count-parts', '{{time}}: {{count}} violations ({{parts}})', { ...PLAIN, ...values })
    : bucket.isProvisional
      ? t('violations.timeline.none-so-far', '{{time}}: no violations so far', { ...PLAIN, ...values })
      : t('violations.timeline.none', '{{time}}: no violations', { ...PLAIN, ...values });
  const whole = parts ? withHappened(bucket, said) : said;
  return atLeast(bucket, bucket.isProvisional ? t('violations.timeline.provisional', '{{said}}; not settled yet', { ...PLAIN, said: whole }) : whole);
}

/** What the count of kept traces stands for. */
function withHappened({ happened }: Bucket, said: string): string {
  if (!happened) {
    return said;
  }
  return happened.high === null
    ? t('violations.timeline.kept', '{{said}} among the traces that were kept', { ...PLAIN, said })
    : t('violations.timeline.happened', '{{said}} among the traces that were kept; {{low}} to {{high}} happened (95 %)', { ...PLAIN, said, ...happened });
}

function atLeast(bucket: Bucket, said: string): string {
  return bucket.rulesNotLookedAt
    ? t('violations.timeline.at-least', '{{said}}; {{rules}} rules were not looked at, so there may be more', {
        ...PLAIN,
        said,
        rules: bucket.rulesNotLookedAt,
      })
    : said;
}

function Stack({ bucket, highest }: { bucket: Bucket; highest: number }) {
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const parts = SEVERITIES.filter((severity) => bucket.bySeverity[severity]);
  return (
    <>
      {parts.map((severity: Severity) => (
        <span
          key={severity}
          className={styles.part}
          style={{ height: `${(bucket.bySeverity[severity] / highest) * 100}%`, background: severityColor(theme, severity) }}
        />
      ))}
    </>
  );
}

/** The place to go to from `at`; undefined: another key. */
function nextPlace(key: string, at: number, last: number): number | undefined {
  const places: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
  return key in places ? Math.min(last, Math.max(0, places[key])) : undefined;
}

function Axis({ timeline }: { timeline: TimelineData }) {
  const timeZone = useHost().timeZone();
  const styles = useStyles2(getStyles);
  const { buckets } = timeline;
  const start = buckets[0].start;
  const end = buckets[buckets.length - 1].end;
  const format = end - start > 86_400_000 ? 'MM-DD HH:mm' : end - start < 600_000 ? 'HH:mm:ss' : 'HH:mm';
  const labels = Array.from({ length: AXIS_LABELS }, (_, i) => start + ((end - start) * i) / (AXIS_LABELS - 1));
  return (
    <div className={styles.axis} aria-hidden="true">
      {labels.map((ms) => (
        <span key={ms}>{dateTimeFormat(ms, { timeZone, format })}</span>
      ))}
    </div>
  );
}

export function Timeline({ timeline, onPick }: Props) {
  const styles = useStyles2(getStyles);
  const timeZone = useHost().timeZone();
  const [current, setCurrent] = useState(0);
  const [shown, setShown] = useState<number | null>(null);
  const { buckets, highest, notLookedAt } = timeline;
  const last = buckets.length - 1;
  const focusable = Math.min(current, last);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const next = nextPlace(event.key, focusable, last);
    if (next !== undefined) {
      event.preventDefault();
      setCurrent(next);
      event.currentTarget.querySelectorAll<HTMLButtonElement>('button')[next]?.focus();
    }
  };
  if (!buckets.length) {
    return null;
  }
  const hint = notLookedAt
    ? t('violations.timeline.hint-hatched', 'Hatched: not looked at, or without any trace, which is not zero. A click on a bar shows its time alone.')
    : t('violations.timeline.hint', 'A click on a bar shows its time alone.');
  return (
    <section aria-label={t('violations.timeline.label', 'Violations over time')}>
      <div className={styles.chart}>
        <span className={styles.highest} aria-hidden="true">
          {highest}
        </span>
        <div
          className={styles.bars}
          role="group"
          aria-label={t('violations.timeline.bars', 'Steps of time')}
          onKeyDown={onKeyDown}
          onMouseLeave={() => setShown(null)}
        >
          {buckets.map((bucket, i) => (
            <button
              key={bucket.start}
              type="button"
              data-fine // as many as fit: a finger takes the picker of the range
              tabIndex={i === focusable ? 0 : -1}
              className={cx(
                styles.bar,
                bucket.count === null && !isOpen(bucket) && styles.notLookedAt,
                bucket.isProvisional && styles.provisional,
                bucket.count !== null && bucket.rulesNotLookedAt > 0 && styles.atLeast
              )}
              aria-label={bucketInWords(bucket, timeZone)}
              onFocus={() => (setCurrent(i), setShown(i))}
              onMouseEnter={() => setShown(i)}
              onClick={() => onPick(bucket.start, bucket.end)}
            >
              <Stack bucket={bucket} highest={highest} />
            </button>
          ))}
        </div>
      </div>
      <Axis timeline={timeline} />
      <div className={styles.words}>{shown !== null && buckets[shown] ? bucketInWords(buckets[shown], timeZone) : hint}</div>
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  chart: css({
    position: 'relative',
    height: 96,
    marginLeft: SCALE_PX,
    borderBottom: `1px solid ${theme.colors.border.medium}`,
    borderTop: `1px dashed ${theme.colors.border.weak}`,
  }),
  highest: css({
    position: 'absolute',
    top: -6,
    right: '100%',
    paddingRight: 4,
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
    pointerEvents: 'none',
  }),
  bars: css({ display: 'flex', height: '100%', gap: 1 }),
  bar: css({
    flex: '1 1 0',
    minWidth: 0,
    height: '100%',
    padding: 0,
    border: 'none',
    background: 'transparent',
    display: 'flex',
    flexDirection: 'column-reverse',
    cursor: 'pointer',
    '&:hover': { background: theme.colors.action.hover },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: -1, zIndex: 1 },
  }),
  part: css({ display: 'block', minHeight: 2, flexShrink: 0 }),
  notLookedAt: css({
    backgroundImage: `repeating-linear-gradient(45deg, ${theme.colors.border.strong} 0 2px, transparent 2px 7px)`,
    '&:hover': { backgroundImage: `repeating-linear-gradient(45deg, ${theme.colors.text.secondary} 0 2px, transparent 2px 7px)` },
  }),
  provisional: css({ '& > span': { opacity: 0.5 } }),
  atLeast: css({ borderTop: `2px dotted ${theme.colors.text.secondary}` }),
  axis: css({
    marginLeft: SCALE_PX,
    display: 'flex',
    justifyContent: 'space-between',
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
  }),
  words: css({ minHeight: 22, fontSize: theme.typography.bodySmall.fontSize, color: theme.colors.text.secondary }),
});
