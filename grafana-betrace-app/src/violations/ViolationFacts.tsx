// The head of a violation: how severe, when, by which version of the rule, and how sure.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { PLAIN } from '../i18n';
import type { Violation } from '../api/types';
import { useRule } from '../api/rules';
import { Runbook } from '../components/Runbook';
import { SeverityBadge } from '../components/SeverityBadge';
import { TimeText } from '../components/TimeText';
import { useUrls } from '../routing/useUrls';

export function ViolationFacts({ violation }: { violation: Violation }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const { confirmed, provisional } = violation;
  const rule = useRule(violation.rule_id);
  return (
    <div className={styles}>
      <SeverityBadge severity={violation.severity} />
      <TimeText time={violation.time} style="milliseconds" />
      <span>
        {t('violation.rule', 'Rule')}{' '}
        <Link to={to.rule(violation.rule_id, { panel: 'history', version: violation.rule_version })}>
          {t('violation.rule-version', '{{id}}, version {{version}}', { ...PLAIN, id: violation.rule_id, version: violation.rule_version })}
        </Link>
      </span>
      <Runbook rule={rule.data} />
      {confirmed === 'by_id' ? (
        <Badge
          color="green"
          icon="check"
          text={t('violation.by-id', 'Confirmed')}
          tooltip={t('violation.by-id-text', 'The trace was read whole, by its id')}
        />
      ) : (
        <Badge
          color="blue"
          text={t('violation.batch', 'From a batch')}
          tooltip={t('violation.batch-text', 'Read with others in one search, not again by its id')}
        />
      )}
      {provisional && (
        <Badge
          color="orange"
          icon="exclamation-triangle"
          text={t('violation.provisional', 'Provisional')}
          tooltip={t('violation.provisional-text', 'The trace is not settled: spans that come may undo this')}
        />
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 2), '& a': { color: theme.colors.text.link } });
