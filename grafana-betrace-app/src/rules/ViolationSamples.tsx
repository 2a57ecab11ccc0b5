// Some of the traces that a text would have called violating, to look at before it is saved.
import { t } from '@grafana/i18n';
import { Button, Stack, Text } from '@grafana/ui';
import { useQuery } from '@tanstack/react-query';
import { useApi } from '../api/context';
import { ErrorState } from '../components/ErrorState';
import { List } from '../components/List';
import { Loading } from '../components/Loading';
import { TimeText } from '../components/TimeText';

const SAMPLES = 10;

interface Props {
  dsl: string;
  start: string;
  end: string;
  onTest(traceId: string): void;
}

export function ViolationSamples({ dsl, start, end, onTest }: Props) {
  const api = useApi();
  const samples = useQuery({
    queryKey: ['violations', 'samples', dsl, start, end],
    queryFn: ({ signal }) => api.post('/v1/violations/query', { body: { dsl, start, end, limit: SAMPLES }, signal }),
  });
  if (samples.error) {
    return <ErrorState error={samples.error} onRetry={() => void samples.refetch()} />;
  }
  if (!samples.data) {
    return <Loading />;
  }
  return (
    <section>
      <Text element="h4">{t('past.samples', 'The newest of them')}</Text>
      <List>
        {samples.data.violations.map((violation) => (
          <li key={violation.id}>
            <Stack direction="row" gap={1} alignItems="baseline" wrap="wrap">
              <TimeText time={violation.time} />
              <code>{violation.trace_id}</code>
              <Button size="sm" variant="secondary" fill="text" onClick={() => onTest(violation.trace_id)}>
                {t('past.look', 'Judge it')}
              </Button>
            </Stack>
            <Text color="secondary">{violation.message}</Text>
          </li>
        ))}
      </List>
    </section>
  );
}
