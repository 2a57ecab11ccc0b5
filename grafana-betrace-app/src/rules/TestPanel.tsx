// The verdict of the text, saved or not, on one trace: by its id, or pasted as OTLP JSON. Trace id and tab are in the URL.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Button, ClipboardButton, Field, Input, RadioButtonGroup, Stack, Text, TextArea, useStyles2 } from '@grafana/ui';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router-dom';
import { useApi } from '../api/context';
import type { DataNote } from '../api/problem';
import type { RuleTest, Witness } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { List } from '../components/List';
import { reasonText, VerdictBadge } from '../components/VerdictBadge';
import { TimeText } from '../components/TimeText';
import { useUrls } from '../routing/useUrls';
import { utf16Offset } from '../editor/diagnostics';
import { recordCommand } from '../kept/keptWords';
import { useExploreTrace } from '../trace/useExploreTrace';

interface Props {
  dsl: string;
  /** why it cannot be tested: the text is not valid */
  blocked?: string;
  traceId: string;
  onTraceId(traceId: string): void;
  /** of the rule as it is saved, for a link to the violation */
  ruleId?: string;
  /** what that text met in the trace */
  onNotes(dsl: string, notes: DataNote[]): void;
}

const TRACE_ID = /^[0-9a-fA-F]{1,32}$/;

/** OTLP JSON as an object; or in words why it is none. */
export function parseTrace(text: string): { trace: Record<string, unknown> } | { problem: string } {
  try {
    const trace: unknown = JSON.parse(text);
    return typeof trace === 'object' && trace !== null && !Array.isArray(trace)
      ? { trace: trace as Record<string, unknown> }
      : { problem: t('test.not-object', 'This is JSON, but no object with resourceSpans') };
  } catch (error) {
    return { problem: t('test.not-json', 'This is not JSON: {{why}}', { why: error instanceof Error ? error.message : '' }) };
  }
}

function WitnessLine({ witness, dsl }: { witness: Witness; dsl: string }) {
  const attributes = Object.entries(witness.attributes ?? {}).map(([key, value]) => `${key} = ${value}`);
  const piece = dsl.slice(utf16Offset(dsl, witness.range.start), utf16Offset(dsl, witness.range.end));
  return (
    <li>
      <Text weight="medium">{witness.name}</Text> <Text color="secondary">{witness.service}</Text> {witness.duration ?? t('test.no-duration', '(no duration)')}{' '}
      {attributes.length > 0 && <Text>({attributes.join(', ')})</Text>} <code>{witness.binding ?? piece}</code>
    </li>
  );
}

function Result({ result, dsl, ruleId, isStored }: { result: RuleTest; dsl: string; ruleId?: string; isStored: boolean }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const exploreTrace = useExploreTrace();
  const { violation, verdict, reason, exercised, trace_id, notes } = result;
  const time = violation ? Date.parse(violation.time) : null;
  const explore = time === null ? null : exploreTrace(trace_id, violation?.span_id ?? null, { fromMs: time, toMs: time });
  return (
    <div className={styles.result} role="status">
      <Stack direction="row" gap={1} alignItems="center" wrap="wrap">
        <VerdictBadge verdict={verdict} reason={reason} />
        <code>{trace_id}</code>
        {violation && <TimeText time={violation.time} style="milliseconds" />}
      </Stack>
      {reasonText(reason) && <p>{reasonText(reason)}</p>}
      {verdict === 'not_applicable' && <p>{t('test.not-exercised', 'The rule is not about this trace: its when does not hold.')}</p>}
      {verdict === 'satisfied' && exercised === true && <p>{t('test.exercised', 'The trace exercises the rule, and keeps it.')}</p>}
      {(notes ?? []).map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
      {violation && (
        <>
          <p>{violation.message}</p>
          {violation.witnesses.length > 0 && <Text color="secondary">{t('test.witnesses', 'What was there:')}</Text>}
          <List>
            {violation.witnesses.map((witness, index) => (
              <WitnessLine key={index} witness={witness} dsl={dsl} />
            ))}
          </List>
          <Stack direction="row" gap={2}>
            {ruleId && <Link to={to.violation(ruleId, trace_id)}>{t('test.open', 'Open as a violation of the saved rule')}</Link>}
            {explore && <a href={explore}>{t('test.explore', 'Open the trace in Explore')}</a>}
          </Stack>
        </>
      )}
      {isStored && (
        <ClipboardButton size="sm" variant="secondary" icon="copy" getText={() => recordCommand(trace_id, dsl)}>
          {t('kept.record', 'Copy the command that makes a test of this')}
        </ClipboardButton>
      )}
    </div>
  );
}

type Source = 'id' | 'paste';

export function TestPanel({ dsl, blocked, traceId, onTraceId, ruleId, onNotes }: Props) {
  const api = useApi();
  const [source, setSource] = useState<Source>('id');
  const [pasted, setPasted] = useState('');
  const parsed = pasted.trim() === '' ? null : parseTrace(pasted);
  const test = useMutation({
    mutationFn: (asked: { dsl: string } & ({ trace_id: string } | { trace: Record<string, unknown> })) =>
      api.post('/v1/rules/test', { body: asked as never }),
    onSuccess: ({ notes }, asked) => onNotes(asked.dsl, notes ?? []),
  });
  const id = traceId.trim();
  const input = source === 'id' ? (TRACE_ID.test(id) ? { trace_id: id } : null) : parsed && 'trace' in parsed ? parsed : null;
  const isOld = JSON.stringify(test.variables) !== JSON.stringify({ dsl, ...input });
  const badId = id !== '' && !TRACE_ID.test(id);
  return (
    <Stack direction="column" gap={2}>
      <div>
        <RadioButtonGroup<Source>
          aria-label={t('test.source', 'Which trace')}
          value={source}
          onChange={setSource}
          options={[
            { value: 'id', label: t('test.by-id', 'By its id') },
            { value: 'paste', label: t('test.by-paste', 'Pasted') },
          ]}
        />
      </div>
      {source === 'id' ? (
        <Field label={t('test.trace-id', 'Trace id')} invalid={badId} error={t('test.bad-id', 'Up to 32 hex digits')} noMargin>
          <Input id="test-trace-id" value={traceId} width={45} onChange={(event) => onTraceId(event.currentTarget.value)} />
        </Field>
      ) : (
        <Field
          label={t('test.trace', 'OTLP JSON of one trace')}
          description={t('test.trace-why', 'As {"resourceSpans": […]}; also what Tempo answers for a trace. It is not stored.')}
          invalid={Boolean(parsed && 'problem' in parsed)}
          error={parsed && 'problem' in parsed ? parsed.problem : undefined}
          noMargin
        >
          <TextArea id="test-trace" rows={6} value={pasted} spellCheck={false} onChange={(event) => setPasted(event.currentTarget.value)} />
        </Field>
      )}
      <div>
        <Button disabled={!input || Boolean(blocked) || test.isPending} tooltip={blocked} onClick={() => input && test.mutate({ dsl, ...input })}>
          {test.isPending ? t('test.running', 'Judging…') : t('test.run', 'Judge this trace')}
        </Button>
      </div>
      {test.error && <ErrorState error={test.error} title={t('test.failed', 'This trace could not be judged')} />}
      {test.data && isOld && (
        <Alert severity="info" title={t('test.old', 'This verdict is of another text or trace: judge again.')} />
      )}
      {test.data && <Result result={test.data} dsl={test.variables.dsl} ruleId={ruleId} isStored={'trace_id' in test.variables} />}
    </Stack>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  result: css({ borderLeft: `3px solid ${theme.colors.border.strong}`, paddingLeft: theme.spacing(2) }),
});
