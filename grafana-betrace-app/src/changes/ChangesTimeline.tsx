// The compared range as a line: before and after, where new versions are first seen, and when each change began. What it shows stands below it in words.
import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';

import type { Changes } from '../api/types';
import { List } from '../components/List';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { timelineMarks, type TimelineMarks, type VersionMark } from './marks';

const AXIS_LABELS = 5;
const NAMED = 3;

function servicesInWords(services: string[]): string {
  const more = services.length - NAMED;
  const named = services.slice(0, NAMED).join(', ');
  return more > 0 ? named + t('coverage.more', ' and {{count}} more', { count: more }) : named;
}

function versionInWords({ version, services, first }: VersionMark, zone: string): string {
  const time = dateTimeFormat(first, { timeZone: zone, format: 'YYYY-MM-DD HH:mm:ss' });
  return t('changes.line.version', '{{time}}: first trace with version {{version}} of {{services}}', {
    ...PLAIN,
    time,
    version,
    services: servicesInWords(services),
  });
}

function Axis({ marks: { start, end } }: { marks: TimelineMarks }) {
  const styles = useStyles2(getStyles);
  const timeZone = useHost().timeZone();
  const format = end - start > 86_400_000 ? 'MM-DD HH:mm' : end - start < 600_000 ? 'HH:mm:ss' : 'HH:mm';
  return (
    <div className={styles.axis}>
      {Array.from({ length: AXIS_LABELS }, (_, i) => (
        <span key={i}>{dateTimeFormat(start + ((end - start) * i) / (AXIS_LABELS - 1), { timeZone, format })}</span>
      ))}
    </div>
  );
}

function Drawing({ marks }: { marks: TimelineMarks }) {
  const styles = useStyles2(getStyles);
  const { start, end, boundary, versions, changes } = marks;
  const at = (ms: number) => `${Math.min(100, Math.max(0, ((ms - start) / (end - start)) * 100))}%`;
  const width = (from: number, until: number) => `${Math.max(0, ((Math.min(until, end) - Math.max(from, start)) / (end - start)) * 100)}%`;
  return (
    <div aria-hidden="true" data-testid="changes-line">
      <div className={styles.lane}>
        <div className={styles.side} style={{ left: 0, width: boundary === null ? '100%' : at(boundary) }}>
          {boundary === null ? t('changes.line.both', 'Both sides') : t('changes.line.before', 'Before')}
        </div>
        {boundary !== null && (
          <div className={cx(styles.side, styles.after)} style={{ left: at(boundary), right: 0 }}>
            {t('changes.line.after', 'After')}
          </div>
        )}
        {versions.map((mark) => (
          <div key={`${mark.version} ${mark.first}`} className={styles.version} style={{ left: at(mark.first) }} title={mark.version}>
            <span className={cx(styles.flag, mark.first - start > (end - start) / 2 && styles.leftFlag)}>{mark.version}</span>
          </div>
        ))}
      </div>
      {changes.map(({ number, from, until }) => (
        <div key={number} className={styles.row}>
          <div className={styles.began} style={{ left: at(from), width: width(from, until) }} />
          <div className={styles.goesOn} style={{ left: at(until), right: 0 }} />
          <span className={styles.number} style={{ left: at(until) }}>
            {number}
          </span>
        </div>
      ))}
      <Axis marks={marks} />
    </div>
  );
}

export function ChangesTimeline({ answer }: { answer: Changes }) {
  const styles = useStyles2(getStyles);
  const timeZone = useHost().timeZone();
  const marks = timelineMarks(answer);
  if (!marks) {
    return null;
  }
  return (
    <section className={styles.box} aria-label={t('changes.line.label', 'When it began')}>
      <Drawing marks={marks} />
      {marks.versions.length > 0 ? (
        <List className={styles.words}>
          {marks.versions.map((mark) => (
            <li key={`${mark.version} ${mark.first}`}>{versionInWords(mark, timeZone)}</li>
          ))}
          {answer.has_more_versions && <li>{t('changes.line.more', 'There are more versions than are shown.')}</li>}
        </List>
      ) : (
        <p className={styles.words}>{t('changes.line.no-version', 'No service shows a second service.version in these traces.')}</p>
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({ margin: theme.spacing(2, 0) }),
  lane: css({ position: 'relative', height: 56, borderBottom: `1px solid ${theme.colors.border.medium}` }),
  side: css({
    position: 'absolute',
    top: 24,
    bottom: 0,
    padding: theme.spacing(0.5, 1),
    overflow: 'hidden',
    whiteSpace: 'nowrap',
    color: theme.colors.text.secondary,
    background: theme.colors.background.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  after: css({ borderLeft: `2px solid ${theme.colors.primary.border}`, background: theme.colors.primary.transparent, color: theme.colors.text.primary }),
  version: css({ position: 'absolute', top: 0, bottom: 0, borderLeft: `2px dashed ${theme.colors.warning.border}` }),
  flag: css({
    position: 'absolute',
    top: 0,
    left: 0,
    padding: '0 6px',
    whiteSpace: 'nowrap',
    fontSize: theme.typography.bodySmall.fontSize,
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.warning.border}`,
    borderRadius: theme.shape.radius.default,
  }),
  leftFlag: css({ left: 'auto', right: 0 }),
  row: css({ position: 'relative', height: 22, borderBottom: `1px dotted ${theme.colors.border.weak}` }),
  began: css({
    position: 'absolute',
    top: 7,
    height: 8,
    minWidth: 2,
    backgroundImage: `repeating-linear-gradient(45deg, ${theme.colors.error.border} 0 2px, transparent 2px 5px)`,
  }),
  goesOn: css({ position: 'absolute', top: 7, height: 8, background: theme.colors.error.border, opacity: 0.7 }),
  number: css({
    position: 'absolute',
    top: 2,
    transform: 'translateX(-50%)',
    minWidth: 18,
    height: 18,
    lineHeight: '16px',
    textAlign: 'center',
    fontSize: theme.typography.bodySmall.fontSize,
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.error.border}`,
    borderRadius: 9,
  }),
  axis: css({
    display: 'flex',
    justifyContent: 'space-between',
    marginTop: 2,
    fontSize: theme.typography.bodySmall.fontSize,
    color: theme.colors.text.secondary,
  }),
  words: css({ marginTop: theme.spacing(1), color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
});
