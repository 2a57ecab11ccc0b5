// The four verdicts. Told apart by word and icon; colour only helps.
import { t } from '@grafana/i18n';
import { Badge, type BadgeColor, type IconName } from '@grafana/ui';
import type { Verdict } from '../api/types';

const LOOK: Record<Verdict, { color: BadgeColor; icon: IconName }> = {
  violated: { color: 'red', icon: 'times-circle' },
  inconclusive: { color: 'orange', icon: 'question-circle' },
  satisfied: { color: 'green', icon: 'check-circle' },
  not_applicable: { color: 'blue', icon: 'minus-circle' },
};

export function verdictText(verdict: Verdict): string {
  switch (verdict) {
    case 'violated':
      return t('verdict.violated', 'Violated');
    case 'inconclusive':
      return t('verdict.inconclusive', 'Inconclusive');
    case 'satisfied':
      return t('verdict.satisfied', 'Satisfied');
    case 'not_applicable':
      return t('verdict.not-applicable', 'Not applicable');
  }
}

export type InconclusiveReason = 'budget' | 'incomplete' | 'pruned' | 'copies' | 'time' | 'dropped' | 'sampled' | 'type' | 'skew' | 'linked' | null;

/** Why it could not be said. */
export function reasonText(reason: InconclusiveReason): string | undefined {
  switch (reason) {
    case 'budget':
      return t('verdict.reason-budget', 'Judging this trace took too many steps.');
    case 'incomplete':
      return t('verdict.reason-incomplete', 'Spans may still be missing, and they could change the answer.');
    case 'pruned':
      return t('verdict.reason-pruned', 'Spans of this trace were summed up before it was stored, and they could change the answer.');
    case 'copies':
      return t('verdict.reason-copies', 'Records of one span do not agree, and the answer hangs on which of them is right.');
    case 'time':
      return t('verdict.reason-time', 'A span of this trace has no start or no end, and it could change the answer.');
    case 'dropped':
      return t('verdict.reason-dropped', 'Attributes, events or links of a span were dropped before it was stored, and they could change the answer.');
    case 'sampled':
      return t('verdict.reason-sampled', 'Services keep a part of their spans each, and one of them may have dropped what the rule asks for.');
    case 'type':
      return t('verdict.reason-type', 'The store keeps values without their types, and with another type one of them could change the answer.');
    case 'linked':
      return t('verdict.reason-linked', 'The rule asks for traces that are linked to this one, and not all of them were seen.');
    case 'skew':
      return t('verdict.reason-skew', 'Two spans of different services are too close in time to tell which came first.');
    case null:
      return undefined;
  }
}

export function VerdictBadge({ verdict, reason = null }: { verdict: Verdict; reason?: InconclusiveReason }) {
  const { color, icon } = LOOK[verdict];
  return <Badge text={verdictText(verdict)} color={color} icon={icon} tooltip={reasonText(reason)} />;
}
