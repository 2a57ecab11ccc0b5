// Whether what is broken began today. One rule at a time is looked at: each is a search over two days, and what may be new is one more over the day before.
import { t } from '@grafana/i18n';
import { Badge, Spinner, Text } from '@grafana/ui';
import { useQuery } from '@tanstack/react-query';
import { leading } from '../api/bounded';
import type { Api } from '../api/client';
import { useApi } from '../api/context';
import { asApiError } from '../api/problem';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { beganWhen, dayBefore, mayBeNew } from './leads';

/** When it began; and, where that may be today, whether the day before speaks of the rule at all. */
async function whenBegan(api: Api, ruleId: string, signal: AbortSignal) {
  const askedMs = Date.now();
  const answer = await api.get('/v1/rules/{id}/first-violation', { path: { id: ruleId }, query: { start: 'now-48h', end: 'now' }, signal });
  if (!mayBeNew(answer, askedMs)) {
    return { askedMs, answer };
  }
  const query = { rule_id: [ruleId], start: 'now-48h', end: 'now-24h', step: '1h', value: 'exercised' as const };
  return { askedMs, answer, day: dayBefore(await api.get('/v1/violations/series', { query, signal }), askedMs) };
}

export function Began({ ruleId }: { ruleId: string }) {
  const api = useApi();
  const zone = useHost().timeZone();
  const first = useQuery({
    queryKey: ['violations', 'began', ruleId],
    queryFn: ({ signal }) => leading(signal, () => whenBegan(api, ruleId, signal)),
    staleTime: 5 * 60_000,
  });
  if (first.error) {
    return (
      <Text color="secondary" variant="bodySmall">
        {t('leads.began-failed', 'When it began could not be asked: {{why}}', { ...PLAIN, why: asApiError(first.error).detail || asApiError(first.error).title })}
      </Text>
    );
  }
  if (!first.data) {
    return (
      <span role="status">
        <Spinner inline size="sm" /> <Text color="secondary" variant="bodySmall">{t('leads.began-asking', 'Looking when it began…')}</Text>
      </span>
    );
  }
  const { kind, text } = beganWhen(first.data.answer, first.data.askedMs, zone, first.data.day);
  return (
    <span data-began={kind}>
      {kind === 'today' && <Badge color="orange" icon="history" text={t('leads.new', 'New today')} />}{' '}
      <Text color="secondary" variant="bodySmall">
        {text}
      </Text>
    </span>
  );
}
