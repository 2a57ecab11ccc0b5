// A replay of several rules, rule by rule.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';
import type { Replay } from '../api/types';
import { DataTable } from '../components/DataTable';
import { TimeText } from '../components/TimeText';
import { useUrls } from '../routing/useUrls';
import { evaluatedText, exercisedText, foundText } from './replayWords';

export function RuleCounts({ replay }: { replay: Replay }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const columns = [
    { text: t('replay.rules-rule', 'Rule') },
    { text: t('replay.rules-violations', 'Violations'), isNumber: true },
    { text: t('replay.rules-exercised', 'Exercised by'), isNumber: true },
    { text: t('replay.rules-evaluated', 'Traces'), isNumber: true },
    { text: t('replay.rules-inconclusive', 'Inconclusive'), isNumber: true },
    { text: t('replay.rules-first', 'First violation'), isNumber: true },
  ];
  return (
    <DataTable label={t('replay.rules', 'Rule by rule')} columns={columns} className={styles}>
      {replay.rules.map((rule) => (
        <tr key={rule.rule_id}>
          <td>
            <Link to={to.rule(rule.rule_id)}>{rule.rule_name || rule.rule_id}</Link>
          </td>
          <td className="number">{foundText(replay, rule)}</td>
          <td className="number">{exercisedText(rule)}</td>
          <td className="number">{evaluatedText(rule)}</td>
          <td className="number">{rule.inconclusive.toLocaleString()}</td>
          <td className="number">
            <TimeText time={rule.first_violation?.time} />
          </td>
        </tr>
      ))}
    </DataTable>
  );
}

const getStyles = (theme: GrafanaTheme2) => css({ '& td': { borderBottom: `1px solid ${theme.colors.border.weak}` } });
