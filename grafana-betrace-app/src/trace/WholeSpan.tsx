// All that the source has of one span, read when somebody asks for it: attributes of the span, its resource and its scope, events and links. Each
// value of a doubled key has its line, a text that is cut says how long it is, and hidden characters are written out.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { ClipboardButton, useStyles2 } from '@grafana/ui';
import { useMemo, type ReactNode } from 'react';

import type { TraceSpan, WholeAttributes, WholeSpan as Whole } from '../api/types';
import { useWholeSpan } from '../api/violations';
import { ErrorState } from '../components/ErrorState';
import { List } from '../components/List';
import { Loading } from '../components/Loading';
import { PLAIN } from '../i18n';
import { formatDuration } from './nanoseconds';
import { onLines, shownText } from './shownText';

type Item = WholeAttributes['items'][number];

function valueText(item: Item): string {
  if (item.type === 'none') {
    return t('trace.whole.none', '(no value)');
  }
  return item.value === null ? t('trace.whole.not-shown', '(a map, bytes or a mixed list: only the trace itself has it)') : shownText(onLines(item.value));
}

function Value({ item }: { item: Item }) {
  const styles = useStyles2(getStyles);
  const notes = [
    item.bytes ? t('trace.whole.cut', 'Cut here: {{n}} bytes in all', { n: item.bytes }) : '',
    item.may_be_cut ? t('trace.whole.may-be-cut', 'As long as a text that Tempo cuts') : '',
    item.type === 'unknown' ? t('trace.whole.type-unknown', 'The store keeps no type') : '',
    item.type === 'int' || item.type === 'double' || item.type === 'bool' ? item.type : '',
  ].filter(Boolean);
  return (
    <dd>
      <span className={styles.value}>{valueText(item)}</span>
      {notes.length > 0 && <span className={styles.note}> {notes.join('; ')}</span>}
    </dd>
  );
}

function Part({ title, of, extra = [], children }: { title: string; of?: WholeAttributes; extra?: Array<[string, string]>; children?: ReactNode }) {
  const styles = useStyles2(getStyles);
  const items = of?.items ?? [];
  return (
    <section aria-label={title}>
      <h3 className={styles.part}>{title}</h3>
      <dl className={styles.facts}>
        {extra.map(([name, value]) => (
          <div key={name} className={styles.fact}>
            <dt>{name}</dt>
            <dd className={styles.value}>{shownText(value)}</dd>
          </div>
        ))}
        {items.map((item, at) => (
          <div key={at} className={styles.fact}>
            <dt>{shownText(item.key) || t('trace.whole.no-key', '(empty key)')}</dt>
            <Value item={item} />
          </div>
        ))}
      </dl>
      {of && of.dropped !== null && of.dropped > 0 && <p className={styles.note}>{t('trace.whole.dropped', 'Dropped before they were stored: {{n}}', { n: of.dropped })}</p>}
      {children}
    </section>
  );
}

/** What the list above may lack, and why a key may stand in it twice. */
function notesOf({ records, left_out: left, dropped_events: events, dropped_links: links }: Whole): string[] {
  return [
    records > 1 ? t('trace.whole.records', 'The source has this span in forms that differ, or with a key twice. What any of them has is listed.') : '',
    left.attributes + left.events + left.links > 0
      ? t('trace.whole.left-out', 'Left out here, because there are many: up to {{attributes}} attributes, {{events}} events and {{links}} links.', { ...left })
      : '',
    events ? t('trace.whole.dropped-events', 'Events dropped before they were stored: {{n}}', { n: events }) : '',
    links ? t('trace.whole.dropped-links', 'Links dropped before they were stored: {{n}}', { n: links }) : '',
  ].filter(Boolean);
}

function after(time: string, start: string): string {
  return time === '0' || start === '0' ? t('trace.details.no-start', '(not known)') : formatDuration(BigInt(time) - BigInt(start));
}

function Parts({ span }: { span: Whole }) {
  const styles = useStyles2(getStyles);
  const message = span.status_message ? [[t('trace.whole.message', 'Status message'), span.status_message] as [string, string]] : [];
  const state = span.trace_state ? [['tracestate', span.trace_state] as [string, string]] : [];
  const scope = [span.scope.name, span.scope.version].filter(Boolean).join(' ');
  const notes = notesOf(span);
  return (
    <>
      <ClipboardButton size="sm" variant="secondary" fill="text" icon="copy" getText={() => JSON.stringify(span, null, 2)}>
        {t('trace.whole.copy', 'Copy as JSON')}
      </ClipboardButton>
      {notes.length > 0 && (
        <List>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </List>
      )}
      <Part title={t('trace.details.attributes', 'Attributes')} of={span.attributes} extra={[...message, ...state]} />
      <Part title={t('trace.whole.resource', 'Resource')} of={span.resource} />
      {(scope || span.scope.attributes.items.length > 0) && (
        <Part title={t('trace.whole.scope', 'Scope')} of={span.scope.attributes} extra={scope ? [[t('trace.whole.scope-name', 'Name'), scope]] : []} />
      )}
      {span.events.map((event, at) => (
        <Part key={`event ${at}`} title={t('trace.whole.event', 'Event {{name}}, after {{time}}', { ...PLAIN, name: shownText(event.name), time: after(event.time_unix_nano, span.start_unix_nano) })} of={event.attributes} />
      ))}
      {span.links.map((link, at) => (
        <Part key={`link ${at}`} title={t('trace.whole.link', 'Link')} of={link.attributes} extra={[[t('trace.whole.link-trace', 'Trace'), link.trace_id], ...(link.span_id ? [[t('trace.whole.link-span', 'Span'), link.span_id] as [string, string]] : [])]} />
      ))}
      <p className={styles.note}>{t('trace.whole.privacy', 'Read from the source just now, and kept nowhere.')}</p>
    </>
  );
}

/** Of spans that share an id the one that is looked at. */
function sameSpan(spans: readonly Whole[], { name, service, start_unix_nano: start }: TraceSpan): Whole | undefined {
  const alike = spans.filter((one) => one.service === service && one.start_unix_nano === start);
  return alike.find((one) => one.name === name) ?? alike[0] ?? spans[0];
}

export function WholeSpan({ traceId, span }: { traceId: string; span: TraceSpan }) {
  const { data, error, refetch } = useWholeSpan(traceId, span.span_id);
  const found = useMemo(() => data?.whole_spans && sameSpan(data.whole_spans, span), [data, span]);
  if (error) {
    return <ErrorState error={error} title={t('trace.whole.failed', 'This span could not be read again')} onRetry={() => void refetch()} />;
  }
  return found ? <Parts span={found} /> : <Loading isLine />;
}

const getStyles = (theme: GrafanaTheme2) => ({
  part: css({ fontSize: theme.typography.body.fontSize, margin: 0, overflowWrap: 'anywhere' }),
  facts: css({ margin: theme.spacing(1, 0) }),
  fact: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(120px, 1fr))', // one below the other where two are too narrow to read
    gap: theme.spacing(0, 1),
    '& dt': { color: theme.colors.text.secondary, fontWeight: 'normal', overflowWrap: 'anywhere' },
    '& dd': { margin: 0, minWidth: 0 },
  }),
  value: css({ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', fontFamily: theme.typography.fontFamilyMonospace, fontSize: theme.typography.bodySmall.fontSize }),
  note: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: 0 }),
});
