// The line below the name of a rule.
import { t } from '@grafana/i18n';
import { Badge, Stack, Text } from '@grafana/ui';
import { PLAIN } from '../i18n';
import type { Rule } from '../api/types';
import { SeverityBadge } from '../components/SeverityBadge';
import { TimeText } from '../components/TimeText';

/** Who this rule is: id, version, since when, and what it proves. */
export function RuleSubtitle({ rule }: { rule: Rule }) {
  return (
    <Stack direction="row" gap={1} alignItems="center" wrap="wrap">
      <code>{rule.id}</code>
      <SeverityBadge severity={rule.severity} />
      {!rule.enabled && <Badge color="blue" icon="pause" text={t('rule.disabled', 'Disabled')} />}
      {rule.shadow && <Badge color="purple" icon="eye" text={t('rule.in-shadow', 'Shadow')} />}
      {rule.controls.map(({ framework, control }) => (
        <Badge
          key={`${framework} ${control}`}
          color="blue"
          icon="shield"
          text={t('rule.control', '{{framework}} {{control}}', { ...PLAIN, framework, control })}
        />
      ))}
      <Text color="secondary">
        {t('rule.version', 'Version {{version}}', { version: rule.version })} · <TimeText time={rule.updated_at} />
        {rule.updated_by ? ` · ${rule.updated_by}` : ''}
      </Text>
    </Stack>
  );
}
