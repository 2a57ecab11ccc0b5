// Counts over time as small bars, for a line of a list. A step that is not known is a short line in the middle, which no number has.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

const BAR = { width: 4, gap: 1, height: 24, least: 2 };

interface Props {
  bars: ReadonlyArray<number | null>;
  /** the bars for who does not see them */
  label: string;
}

export function Bars({ bars, label }: Props) {
  const styles = useStyles2(getStyles);
  const most = Math.max(1, ...bars.map((bar) => bar ?? 0));
  const heightOf = (bar: number) => (bar === 0 ? 0 : Math.max(BAR.least, (BAR.height * bar) / most));
  const at = (index: number) => index * (BAR.width + BAR.gap);
  return (
    <svg role="img" aria-label={label} className={styles.bars} width={at(bars.length)} height={BAR.height} viewBox={`0 0 ${at(bars.length)} ${BAR.height}`}>
      {bars.map((bar, index) =>
        bar === null ? (
          <line key={index} className={styles.gap} x1={at(index)} x2={at(index) + BAR.width} y1={BAR.height / 2} y2={BAR.height / 2} />
        ) : (
          <rect key={index} className={styles.bar} x={at(index)} y={BAR.height - heightOf(bar)} width={BAR.width} height={heightOf(bar)} />
        )
      )}
    </svg>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  bars: css({ maxWidth: '100%' }),
  bar: css({ fill: theme.colors.error.main }),
  gap: css({ stroke: theme.colors.text.disabled, strokeWidth: 1 }),
});
