// Looks for spans by a text, and for those that failed; each click or Enter goes to the next one.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Input, useStyles2 } from '@grafana/ui';
import { useMemo, useState } from 'react';

import { failedSpans, foundSpans, nextFound } from './found';
import type { TraceLayout } from './layout';

interface Props {
  layout: TraceLayout;
  selected: number | null;
  /** what screen readers call the trace */
  label: string;
  onGo(span: number): void;
}

export function SpanSearch({ layout, selected, label, onGo }: Props) {
  const styles = useStyles2(getStyles);
  const [text, setText] = useState('');
  const found = useMemo(() => foundSpans(layout, text), [layout, text]);
  const failed = useMemo(() => failedSpans(layout), [layout]);
  const go = (among: readonly number[], by: 1 | -1) => among.length > 0 && onGo(nextFound(layout, among, selected, by));
  const place = selected === null ? -1 : found.indexOf(selected);
  const count = place < 0 ? found.length.toLocaleString() : t('trace.find.place', '{{n}} of {{all}}', { n: place + 1, all: found.length.toLocaleString() });
  return (
    <div className={styles.search}>
      <Input
        type="search"
        width={34}
        aria-label={t('trace.find.in', 'Find in: {{label}}', { label })}
        placeholder={t('trace.find.placeholder', 'Find a name, service or attribute')}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault();
            go(found, event.shiftKey ? -1 : 1);
          }
        }}
      />
      {text.trim() !== '' && (
        <>
          <span role="status">{found.length > 0 ? t('trace.find.count', 'Found: {{count}}', { count }) : t('trace.find.none', 'No span here has that')}</span>
          <Button size="sm" variant="secondary" fill="text" icon="angle-up" disabled={found.length === 0} aria-label={t('trace.find.before', 'Find the one before')} onClick={() => go(found, -1)} />
          <Button size="sm" variant="secondary" fill="text" icon="angle-down" disabled={found.length === 0} aria-label={t('trace.find.next', 'Find the next')} onClick={() => go(found, 1)} />
        </>
      )}
      {failed.length > 0 && (
        <Button size="sm" variant="secondary" fill="text" icon="exclamation-circle" onClick={() => go(failed, 1)}>
          {t('trace.find.failed', 'Next error ({{n}})', { n: failed.length.toLocaleString() })}
        </Button>
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  search: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5), color: theme.colors.text.secondary }),
});
