// What to do about a problem next: the rule, its past month, what else changed, and the trace as a test.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { ClipboardButton, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import type { FoundProblem, Rule } from '../api/types';
import { recordCommand } from '../kept/keptWords';
import { MONTH } from '../replays/formState';
import type { UrlTimeRange } from '../routing/timeRange';
import { useUrls } from '../routing/useUrls';

interface Props {
  problem: FoundProblem;
  range: UrlTimeRange;
  rule: Rule | undefined;
}

export function ProblemSteps({ problem, range, rule }: Props) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { rule_id, changes, first_seen, last_seen } = problem;
  return (
    <nav className={styles.steps} aria-label={t('violations.steps.label', 'What to do next')}>
      <Link to={to.rule(rule_id)}>{t('violations.steps.rule', 'Open the rule')}</Link>
      <Link to={to.replays({ rule: rule_id, ...MONTH })}>{t('rule.replay-month', 'Replay 30 days')}</Link>
      {/* Where its rate changed, its line leads to what else changed then. */}
      {!changes?.length && (
        <Link to={to.changes({ from: range.from, to: range.to, by: 'moment', at: first_seen.time })}>{t('violations.steps.changed', 'What changed around its first violation here?')}</Link>
      )}
      {rule && (
        <ClipboardButton size="sm" variant="secondary" icon="copy" getText={() => recordCommand(last_seen.trace_id, rule.dsl)}>
          {t('kept.record', 'Copy the command that makes a test of this')}
        </ClipboardButton>
      )}
    </nav>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  steps: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 2), '& a': { color: theme.colors.text.link } }),
});
