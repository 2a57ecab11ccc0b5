// The seven severities, by word; colour only helps.
import { t } from '@grafana/i18n';
import { Badge, type BadgeColor } from '@grafana/ui';
import type { Severity } from '../api/types';

const COLOR: Record<Severity, BadgeColor> = {
  // not darkgrey: its text has too little contrast in the light theme
  info: 'blue',
  low: 'blue',
  warning: 'purple',
  medium: 'purple',
  high: 'orange',
  error: 'red',
  critical: 'red',
};

export function severityText(severity: Severity): string {
  switch (severity) {
    case 'info':
      return t('severity.info', 'Info');
    case 'low':
      return t('severity.low', 'Low');
    case 'warning':
      return t('severity.warning', 'Warning');
    case 'medium':
      return t('severity.medium', 'Medium');
    case 'high':
      return t('severity.high', 'High');
    case 'error':
      return t('severity.error', 'Error');
    case 'critical':
      return t('severity.critical', 'Critical');
  }
}

export function SeverityBadge({ severity }: { severity: Severity }) {
  return <Badge text={severityText(severity)} color={COLOR[severity]} />;
}
