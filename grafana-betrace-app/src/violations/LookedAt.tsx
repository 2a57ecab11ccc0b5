// How much of the range was looked at so far.
import { t } from '@grafana/i18n';
import type { Coverage } from '../api/types';
import { PLAIN } from '../i18n';
import { lookedAtPercent } from './coverageWords';

export function LookedAt({ coverage }: { coverage: Pick<Coverage, 'asked' | 'windows_failed'> }) {
  const percent = lookedAtPercent(coverage);
  return (
    <span>
      <progress max={100} value={percent} aria-label={t('violations.looked-at.label', 'Part of the range that was looked at')} />{' '}
      {t('violations.looked-at.percent', '{{percent}} %', { ...PLAIN, percent })}
    </span>
  );
}
