// What a report says of a control. Only `pass` is green: whatever claims nothing must not look as if it held.
import { t } from '@grafana/i18n';
import { Badge, type BadgeColor, type IconName } from '@grafana/ui';
import type { ControlStatus } from './reportParts';

const LOOK: Record<Exclude<ControlStatus, 'no_rules'>, { color: BadgeColor; icon: IconName }> = {
  violated: { color: 'red', icon: 'times-circle' },
  inconclusive: { color: 'orange', icon: 'question-circle' },
  incomplete: { color: 'orange', icon: 'question-circle' },
  no_data: { color: 'orange', icon: 'exclamation-triangle' },
  not_evaluated: { color: 'purple', icon: 'pause' },
  not_exercised: { color: 'blue', icon: 'minus-circle' },
  partly_exercised: { color: 'blue', icon: 'minus-circle' },
  pass: { color: 'green', icon: 'check-circle' },
};

export function controlStatusText(status: ControlStatus): string {
  switch (status) {
    case 'violated':
      return t('compliance.status-violated', 'Violated');
    case 'inconclusive':
      return t('compliance.status-inconclusive', 'Inconclusive');
    case 'incomplete':
      return t('compliance.status-incomplete', 'Incomplete');
    case 'no_data':
      return t('compliance.status-no-data', 'No data');
    case 'not_evaluated':
      return t('compliance.status-not-evaluated', 'Not evaluated');
    case 'not_exercised':
      return t('compliance.status-not-exercised', 'Not exercised');
    case 'partly_exercised':
      return t('compliance.status-partly', 'Partly exercised');
    case 'pass':
      return t('compliance.status-pass', 'Pass');
    case 'no_rules':
      return t('compliance.status-no-rules', 'No rules');
  }
}

export function controlStatusMeaning(status: ControlStatus): string {
  switch (status) {
    case 'violated':
      return t('compliance.means-violated', 'At least one trace violates a rule.');
    case 'inconclusive':
      return t('compliance.means-inconclusive', 'Something was not read, counted or decided; it may hide a violation.');
    case 'incomplete':
      return t('compliance.means-incomplete', 'The range had not settled to its end: what comes to it may be a violation.');
    case 'no_data':
      return t('compliance.means-no-data', 'There is no trace in the range: a wrong tenant, an outage and a passed retention look the same.');
    case 'not_evaluated':
      return t('compliance.means-not-evaluated', 'All its rules are disabled or on trial (shadow): nothing is claimed.');
    case 'not_exercised':
      return t('compliance.means-not-exercised', 'Everything was read, and nothing happened that its rules speak of: nothing is claimed.');
    case 'partly_exercised':
      return t('compliance.means-partly', 'Some of its rules pass, others were not exercised.');
    case 'pass':
      return t('compliance.means-pass', 'Its rules were exercised, everything was read, and no trace violates them.');
    case 'no_rules':
      return t('compliance.means-no-rules', 'No rule stands for it: nothing is claimed.');
  }
}

export function ControlStatusBadge({ status }: { status: ControlStatus }) {
  // most controls of a catalogue: no badge, so that the others stand out
  if (status === 'no_rules') {
    return <>{controlStatusText(status)}</>;
  }
  const { color, icon } = LOOK[status];
  return <Badge text={controlStatusText(status)} color={color} icon={icon} tooltip={controlStatusMeaning(status)} />;
}
