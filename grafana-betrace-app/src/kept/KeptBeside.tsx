// Next to a violation: a trace that keeps the same rule, piece by piece of the rule; what sets violating traces apart; and the trace as a test.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, ClipboardButton, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';
import { useRule } from '../api/rules';
import type { Rule, Violation } from '../api/types';
import { DataTable } from '../components/DataTable';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { TimeText } from '../components/TimeText';
import { PLAIN } from '../i18n';
import { useUrls } from '../routing/useUrls';
import { reasonSentence } from '../violations/coverageWords';
import { alignedPieces, contrastText, differenceText, recordCommand, spanText } from './keptWords';
import { useContrast, useKept, type Kept, type KeptAnswer } from './useKept';

function Beside({ rule, violation, kept }: { rule: Rule; violation: Violation; kept: Kept }) {
  const to = useUrls();
  const pieces = alignedPieces({ dsl: rule.dsl, violation }, kept);
  const none = t('kept.not-there', 'not there');
  const columns = [{ text: t('kept.column-rule', 'In the rule') }, { text: t('kept.column-here', 'This trace') }, { text: t('kept.column-there', 'A trace that keeps it') }];
  return (
    <>
      <p>
        <strong>{differenceText(violation, pieces)}</strong>
      </p>
      <DataTable label={t('kept.table', 'Both traces by the pieces of the rule')} columns={columns}>
        {pieces.map(({ text, here, there }) => (
          <tr key={text}>
            <td>
              <code>{text}</code>
            </td>
            <td>{here ? spanText(here) : none}</td>
            <td>{there ? spanText(there) : none}</td>
          </tr>
        ))}
      </DataTable>
      <p>
        <Link to={to.violation(rule.id, kept.violation.trace_id)}>{t('kept.open', 'Open the trace that keeps it')}</Link> <TimeText time={kept.violation.time} />.{' '}
        {kept.isSameRequest
          ? t('kept.same-request', 'It was begun by the same request.')
          : t('kept.other-request', 'It was begun by another request: none by the same one was found within an hour.')}
      </p>
    </>
  );
}

function noneText(answer: Exclude<KeptAnswer, { state: 'found' }>): string {
  if (answer.state === 'shape') {
    return t('kept.shape', 'The text of this rule does not say which traces it is about, so none can be looked for.');
  }
  return answer.isComplete
    ? t('kept.none', 'No trace within an hour of this one exercised the rule and kept it.')
    : t('kept.none-partial', 'None was found within an hour of this one, but not everything was looked at. {{reason}}', { ...PLAIN, reason: reasonSentence(answer.reason) });
}

function Answer({ rule, violation }: { rule: Rule; violation: Violation }) {
  const kept = useKept(rule.dsl, violation, true);
  if (kept.error) {
    return <ErrorState error={kept.error} title={t('kept.failed', 'A trace that keeps the rule could not be looked for')} onRetry={() => void kept.refetch()} />;
  }
  if (!kept.data) {
    return <Loading text={t('kept.loading', 'Looking for a trace that keeps the rule…')} />;
  }
  return kept.data.state === 'found' ? <Beside rule={rule} violation={violation} kept={kept.data.kept} /> : <p>{noneText(kept.data)}</p>;
}

function SetApart({ violation }: { violation: Violation }) {
  const contrast = useContrast(violation, true);
  if (contrast.error) {
    return <ErrorState error={contrast.error} title={t('kept.contrast-failed', 'What sets violating traces apart could not be asked')} onRetry={() => void contrast.refetch()} />;
  }
  if (!contrast.data) {
    return <Loading text={t('kept.contrast-loading', 'Comparing violating traces with others…')} />;
  }
  const { status, reason } = contrast.data;
  const isWhole = status === 'completed' || status === 'sampled';
  return (
    <p>
      {contrastText(contrast.data)} {!isWhole && t('kept.contrast-partial', 'Not everything was compared: {{reason}}', { ...PLAIN, reason: reasonSentence(reason ?? null) })}
    </p>
  );
}

export function KeptBeside({ violation }: { violation: Violation }) {
  const styles = useStyles2(getStyles);
  const [isKept, setIsKept] = useState(false);
  const [isApart, setIsApart] = useState(false);
  const rule = useRule(violation.rule_id);
  return (
    <section className={styles} aria-label={t('kept.label', 'Next to a trace that keeps the rule')}>
      <div>
        <Button size="sm" variant="secondary" icon="columns" aria-expanded={isKept} onClick={() => setIsKept(!isKept)}>
          {t('kept.ask', 'Show a trace that keeps it')}
        </Button>{' '}
        <Button size="sm" variant="secondary" icon="compass" aria-expanded={isApart} onClick={() => setIsApart(!isApart)}>
          {t('kept.ask-contrast', 'What sets violating traces apart?')}
        </Button>{' '}
        {rule.data && (
          <ClipboardButton size="sm" variant="secondary" icon="copy" getText={() => recordCommand(violation.trace_id, rule.data.dsl)}>
            {t('kept.record', 'Copy the command that makes a test of this')}
          </ClipboardButton>
        )}
      </div>
      {isKept && rule.error && <ErrorState error={rule.error} onRetry={() => void rule.refetch()} />}
      {isKept && rule.data && <Answer rule={rule.data} violation={violation} />}
      {isApart && <SetApart violation={violation} />}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({ marginBottom: theme.spacing(2), '& p': { margin: theme.spacing(1, 0) }, '& a': { color: theme.colors.text.link, textDecoration: 'underline' }, '& td, & p': { overflowWrap: 'anywhere' } });
