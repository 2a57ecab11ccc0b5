// One span: where and when it was, what is odd about it, which rules it is a witness of, and the attributes that rules compare; on a click all that
// the source has of it.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, ClipboardButton, Icon, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { PLAIN } from '../i18n';
import { useUrls } from '../routing/useUrls';
import type { TraceLayout } from './layout';
import { formatDuration } from './nanoseconds';
import { shownText } from './shownText';
import { lengthText, oddities } from './Waterfall';
import { WholeSpan } from './WholeSpan';
import type { Mark } from './witnesses';

interface Props {
  traceId: string;
  layout: TraceLayout;
  span: number;
  /** of all rules that this trace violates */
  marks: readonly Mark[];
  /** what a screen reader calls it */
  label: string;
  /** all that the source has, of whichever span is selected, until somebody wants less */
  isWhole: boolean;
  onWhole(isWhole: boolean): void;
}

function facts({ layout, span }: Pick<Props, 'layout' | 'span'>): Array<[string, string]> {
  const row = layout.rows[layout.rowOfSpan[span]];
  const it = layout.spans[span];
  const status = it.status_message ? `${it.status}: ${it.status_message}` : it.status;
  return [
    [t('trace.details.service', 'Service'), it.service || t('trace.details.no-service', '(none)')],
    [t('trace.details.start', 'Starts after'), row.hasNoStart ? t('trace.details.no-start', '(not known)') : formatDuration(row.start - layout.start)],
    [t('trace.details.duration', 'Duration'), lengthText(row)],
    [t('trace.details.kind', 'Kind'), it.kind],
    [t('trace.details.status', 'Status'), status],
    [t('trace.details.id', 'Span id'), it.span_id],
    [t('trace.details.parent', 'Parent id'), it.parent_span_id ?? t('trace.details.root', '(none: a root)')],
  ];
}

function Marks({ marks }: Pick<Props, 'marks'>) {
  const to = useUrls();
  return (
    <>
      {marks.map((mark) => (
        <div key={`${mark.ruleId} ${mark.violatingTrace}`}>
          <Icon name="eye" />{' '}
          {mark.bindings.length
            ? t('trace.details.witness-named', 'Witness ({{names}}) of', { ...PLAIN, names: mark.bindings.join(', ') })
            : t('trace.details.witness', 'Witness of')}{' '}
          <Link to={to.violation(mark.ruleId, mark.violatingTrace)}>{mark.ruleName}</Link>
        </div>
      ))}
    </>
  );
}

function Compared({ attributes }: { attributes: Array<[string, string]> }) {
  const styles = useStyles2(getStyles);
  return (
    <>
      <h3 className={styles.part}>{t('trace.details.attributes', 'Attributes')}</h3>
      {attributes.length > 0 ? (
        <dl className={styles.facts}>
          {attributes.map(([name, value]) => (
            <div key={name} className={styles.fact}>
              <dt>{shownText(name)}</dt>
              <dd>{shownText(value)}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className={styles.note}>{t('trace.details.no-attributes', 'None that a rule compares.')}</p>
      )}
      <p className={styles.note}>{t('trace.details.privacy', 'Only attributes that an enabled rule compares are shown here.')}</p>
    </>
  );
}

export function SpanDetails({ traceId, layout, span, marks, label, isWhole, onWhole }: Props) {
  const styles = useStyles2(getStyles);
  const it = layout.spans[span];
  const row = layout.rows[layout.rowOfSpan[span]];
  const attributes = Object.entries(it.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <aside className={styles.box} aria-label={label}>
      <div className={styles.title}>
        <h2 className={styles.name}>{it.name || t('trace.no-name', '(no name)')}</h2>
        <ClipboardButton
          size="sm"
          variant="secondary"
          fill="text"
          icon="copy"
          getText={() => it.span_id}
          aria-label={t('trace.details.copy', 'Copy the span id')}
        />
      </div>
      <Marks marks={marks} />
      {oddities(row).map((text) => (
        <div key={text} className={styles.odd}>
          <Icon name="question-circle" /> {text}
        </div>
      ))}
      <dl className={styles.facts}>
        {facts({ layout, span }).map(([name, value]) => (
          <div key={name} className={styles.fact}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {isWhole ? <WholeSpan key={it.span_id} traceId={traceId} span={it} /> : <Compared attributes={attributes} />}
      <Button size="sm" variant="secondary" fill="text" onClick={() => onWhole(!isWhole)}>
        {isWhole ? t('trace.details.compared', 'Only what rules compare') : t('trace.details.whole', 'All attributes, events and links')}
      </Button>
    </aside>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    padding: theme.spacing(1.5),
    minWidth: 0,
    '& a': { color: theme.colors.text.link },
  }),
  title: css({ display: 'flex', alignItems: 'start', justifyContent: 'space-between' }),
  name: css({ fontSize: theme.typography.h5.fontSize, margin: 0, overflowWrap: 'anywhere' }),
  part: css({ fontSize: theme.typography.body.fontSize, margin: 0 }),
  odd: css({ color: theme.colors.warning.text }),
  facts: css({ margin: theme.spacing(1, 0) }),
  fact: css({
    display: 'grid',
    gridTemplateColumns: 'minmax(90px, 42%) 1fr',
    gap: theme.spacing(1),
    '& dt': { color: theme.colors.text.secondary, fontWeight: 'normal', overflowWrap: 'anywhere' },
    '& dd': {
      margin: 0,
      overflowWrap: 'anywhere',
      fontFamily: theme.typography.fontFamilyMonospace,
      fontSize: theme.typography.bodySmall.fontSize,
    },
  }),
  note: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: 0 }),
});
