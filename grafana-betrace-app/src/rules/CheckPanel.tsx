// What the service says of the text: each diagnostic with its place and fix, and else what the rule asks Tempo and what is decided here.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Collapse, Icon, Stack, Text, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { PLAIN } from '../i18n';
import type { Diagnostic } from '../api/problem';
import type { RuleCheck } from '../api/types';
import { applyFix } from '../editor/diagnostics';

interface Props {
  dsl: string;
  check: RuleCheck;
  onFix(dsl: string): void;
  disabled: boolean;
}

function DiagnosticLine({ diagnostic, onFix }: { diagnostic: Diagnostic; onFix?: () => void }) {
  const { code, severity, message, line, column, position, fix } = diagnostic;
  const place = `${position?.start_line ?? line}:${position?.start_column ?? column}`;
  const word = severity === 'error' ? t('check.error', 'Error') : t('check.warning', 'Warning');
  return (
    <li>
      <Stack direction="row" gap={1} alignItems="baseline" wrap="wrap">
        <Text color={severity === 'error' ? 'error' : 'warning'}>
          <Icon name={severity === 'error' ? 'exclamation-circle' : 'exclamation-triangle'} /> {word} {code}
        </Text>
        <Text color="secondary">{place}</Text>
        <Text>{message}</Text>
        {fix && onFix && (
          <Button size="sm" variant="secondary" onClick={onFix}>
            {fix.text === '' ? t('check.remove', 'Remove it') : t('check.fix', 'Write {{text}}', { ...PLAIN, text: fix.text })}
          </Button>
        )}
      </Stack>
    </li>
  );
}

function strategyText(strategy: NonNullable<RuleCheck['explain']>['strategy']): string {
  switch (strategy) {
    case 'search':
      return t('explain.search', 'Tempo is asked for traces that may violate; each of them is read and judged.');
    case 'search_and_subtract':
      return t(
        'explain.subtract',
        'BeTrace asks Tempo for traces that may violate a rule, and for those that certainly do not. It reads and judges the others.'
      );
    case 'every_trace':
      return t('explain.every', 'Nothing in this rule narrows the search: every trace of the range is read. That is slow and dear.');
    case 'nothing':
      return t('explain.nothing', 'No trace can violate this rule. Nothing is asked.');
  }
}

/** Tempo's shortcut by pages needs this, and it says nothing about the rule (traceql_filter.c): every span meets it. */
const GUARD = ' && duration <= 9223372036854775807ns';

function Queries({ title, queries }: { title: string; queries: string[] }) {
  const styles = useStyles2(getStyles);
  return queries.length === 0 ? null : (
    <div>
      <Text element="h4" variant="bodySmall" color="secondary">
        {title}
      </Text>
      {queries.map((query) => (
        <pre key={query} className={styles.query}>
          {query.replaceAll(GUARD, '')}
        </pre>
      ))}
    </div>
  );
}

export function Explanation({ explain }: { explain: NonNullable<RuleCheck['explain']> }) {
  const [isOpen, setIsOpen] = useState(false);
  const reads =
    explain.reads === 'by_id'
      ? t('explain.by-id', 'Found traces are read one by one, by their ids.')
      : t('explain.batch', 'Found traces are read many at a time.');
  return (
    <Stack direction="column" gap={1}>
      <Text>{strategyText(explain.strategy)}</Text>
      {explain.strategy !== 'nothing' && <Text color="secondary">{reads}</Text>}
      {explain.strategy !== 'nothing' && (
        <Collapse label={t('explain.queries', 'What Tempo is asked, in TraceQL')} isOpen={isOpen} onToggle={setIsOpen}>
          <Queries title={t('explain.searched', 'Searched (TraceQL; may find too much, never too little)')} queries={explain.searched} />
          <Queries title={t('explain.subtracted', 'Subtracted (TraceQL; these certainly do not violate)')} queries={explain.subtracted} />
          <Queries title={t('explain.projected', 'Spans that decide the rule')} queries={explain.projected ? [explain.projected] : []} />
        </Collapse>
      )}
    </Stack>
  );
}

export function CheckPanel({ dsl, check, onFix, disabled }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <Stack direction="column" gap={2}>
      {check.diagnostics.length > 0 && (
        <ul className={styles.list} aria-label={t('check.list', 'Errors and warnings')}>
          {check.diagnostics.map((diagnostic, index) => (
            <DiagnosticLine
              key={index}
              diagnostic={diagnostic}
              onFix={disabled || !diagnostic.fix ? undefined : () => onFix(applyFix(dsl, diagnostic.fix!))}
            />
          ))}
        </ul>
      )}
      {check.explain && <Explanation explain={check.explain} />}
    </Stack>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: theme.spacing(0.5) }),
  query: css({
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    margin: 0,
    marginTop: theme.spacing(0.5),
    fontSize: theme.typography.bodySmall.fontSize,
  }),
});
