// Whether what is broken began today. One rule at a time is looked at: each is a search over two days.
import { t } from '@grafana/i18n';
import { Badge, Spinner, Text } from '@grafana/ui';
import { useQuery } from '@tanstack/react-query';
import { bounded } from '../api/bounded';
import { useApi } from '../api/context';
import { asApiError } from '../api/problem';
import { useHost } from '../host/context';
import { PLAIN } from '../i18n';
import { beganWhen } from './leads';

const ask = bounded(1);

export function Began({ ruleId }: { ruleId: string }) {
  const api = useApi();
  const zone = useHost().timeZone();
  const first = useQuery({
    queryKey: ['violations', 'began', ruleId],
    queryFn: ({ signal }) =>
      ask(signal, async () => ({
        askedMs: Date.now(),
        answer: await api.get('/v1/rules/{id}/first-violation', { path: { id: ruleId }, query: { start: 'now-48h', end: 'now' }, signal }),
      })),
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
  const { kind, text } = beganWhen(first.data.answer, first.data.askedMs, zone);
  return (
    <span data-began={kind}>
      {kind === 'today' && <Badge color="orange" icon="history" text={t('leads.new', 'New today')} />}{' '}
      <Text color="secondary" variant="bodySmall">
        {text}
      </Text>
    </span>
  );
}
