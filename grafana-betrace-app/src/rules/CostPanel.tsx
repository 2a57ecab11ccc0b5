// What the saved rule would cost over a range, and has cost so far. Asked only when somebody looks: the estimate probes Tempo.
import { formattedValueToString, getValueFormat } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Stack, Text } from '@grafana/ui';
import { PLAIN } from '../i18n';
import { useRuleExplanation } from '../api/rules';
import type { RuleExplanation } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { List } from '../components/List';
import { Loading } from '../components/Loading';

type Explained = RuleExplanation['rules'][number];

const bytes = (value: number) => formattedValueToString(getValueFormat('decbytes')(value, 1));
const seconds = (value: number) => formattedValueToString(getValueFormat('s')(value, 1));

function strategyName(strategy: Explained['strategies'][number]['strategy']): string {
  switch (strategy) {
    case 'read':
      return t('cost.read', 'read the candidates');
    case 'id_sets':
      return t('cost.id-sets', 'subtract sets of ids');
    case 'projection':
      return t('cost.projection', 'read only the spans that decide');
  }
}

function StrategyLine({ one, chosen }: { one: Explained['strategies'][number]; chosen: boolean }) {
  const { cost } = one;
  const values = cost && { traces: cost.traces_read, requests: cost.requests, bytes: bytes(cost.bytes) };
  const price = values
    ? t('cost.estimate', 'about {{traces}} traces read, {{requests}} requests, {{bytes}}', { ...PLAIN, ...values })
    : t('cost.possible', 'possible');
  return (
    <li>
      <Text weight={chosen ? 'medium' : 'regular'}>
        {strategyName(one.strategy)}: {one.possible ? price : one.why_not}
        {chosen ? ` ${t('cost.chosen', '(chosen)')}` : ''}
      </Text>
    </li>
  );
}

function soFar(price: Explained['price']): string {
  return price.replays === 0
    ? t('cost.none-yet', 'It has cost nothing yet, since the service started.')
    : t(
        'cost.so-far',
        'Since the service started: {{replays}} replays, {{requests}} requests, {{bytes}} inspected by Tempo, {{traces}} traces read, {{time}}.',
        {
          replays: price.replays,
          requests: price.requests,
          bytes: bytes(price.bytes_inspected),
          traces: price.traces_read,
          time: seconds(price.seconds),
        }
      );
}

export function CostPanel({ id, start, end, changed }: { id: string; start: string; end: string; changed: boolean }) {
  const explanation = useRuleExplanation(id, start, end);
  if (explanation.error) {
    return <ErrorState error={explanation.error} onRetry={() => void explanation.refetch()} />;
  }
  if (!explanation.data) {
    return <Loading text={t('cost.loading', 'Probing what it would cost…')} />;
  }
  const { rules, probed, problem } = explanation.data;
  const [rule] = rules;
  return (
    <Stack direction="column" gap={1}>
      {changed && <Alert severity="info" title={t('cost.saved', 'This is about the rule as it is saved, not about your changes.')} />}
      {!probed && (
        <Text color="secondary">
          {t('cost.not-probed', 'There are no estimates: {{problem}}', {
            ...PLAIN,
            problem: problem ?? t('cost.files', 'the source was not probed'),
          })}
        </Text>
      )}
      <List>
        {rule.strategies.map((one) => (
          <StrategyLine key={one.strategy} one={one} chosen={one.strategy === rule.strategy} />
        ))}
      </List>
      {rule.decided_locally && (
        <Text>{t('cost.local', 'Decided here, since Tempo cannot say it: {{what}}', { ...PLAIN, what: rule.decided_locally })}</Text>
      )}
      <Text>{soFar(rule.price)}</Text>
    </Stack>
  );
}
