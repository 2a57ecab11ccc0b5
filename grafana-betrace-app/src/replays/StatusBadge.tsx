// The state of a replay. Only "complete" is green: what was not read in full must not look done.
import { Badge, type BadgeColor, type IconName } from '@grafana/ui';
import type { ReplayStatus } from '../api/types';
import { statusText } from './replayWords';

const LOOK: Record<ReplayStatus, { color: BadgeColor; icon: IconName }> = {
  queued: { color: 'blue', icon: 'clock-nine' },
  running: { color: 'blue', icon: 'sync' },
  completed: { color: 'green', icon: 'check-circle' },
  incomplete: { color: 'orange', icon: 'exclamation-triangle' },
  cancelled: { color: 'orange', icon: 'times' },
  failed: { color: 'red', icon: 'exclamation-circle' },
};

export function StatusBadge({ status, reason }: { status: ReplayStatus; reason?: string }) {
  const { color, icon } = LOOK[status];
  return <Badge text={statusText(status)} color={color} icon={icon} tooltip={reason} />;
}
