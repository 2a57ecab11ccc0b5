// The controls of a report, each with its rules and their denominators: how many traces have a verdict, how many of them the rule is about at all.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { Fragment } from 'react';
import { Link } from 'react-router-dom';
import { PLAIN } from '../i18n';
import { DataTable } from '../components/DataTable';
import { TimeText } from '../components/TimeText';
import { useUrls } from '../routing/useUrls';
import type { Control, ControlRule, Counts, ReportHead } from './reportParts';
import { ControlStatusBadge } from './StatusBadge';

function number(count: number, kind: 'exact' | 'at_least' = 'exact'): string {
  return kind === 'exact' ? count.toLocaleString() : t('compliance.at-least', '≥ {{n}}', { n: count.toLocaleString() });
}

function CountCells({ counts }: { counts: Counts | null }) {
  if (!counts) {
    return (
      <td colSpan={5} className="none">
        {t('compliance.no-counts', 'not evaluated')}
      </td>
    );
  }
  return (
    <>
      <td className="number">{number(counts.evaluated, counts.evaluated_kind)}</td>
      <td className="number">{number(counts.exercised, counts.exercised_kind)}</td>
      <td className="number">{number(counts.satisfied)}</td>
      <td className="number">{number(counts.violated)}</td>
      <td className="number">{number(counts.inconclusive)}</td>
    </>
  );
}

function RuleRow({ rule, range }: { rule: ControlRule; range: ReportHead['range'] }) {
  const to = useUrls();
  const { counts } = rule;
  return (
    <tr>
      <td />
      <td>
        <Link to={to.rule(rule.rule_id)}>{rule.name || rule.rule_id}</Link>
        {rule.reason && <div className="reason">{rule.reason}</div>}
        {counts && !rule.decides && (
          <div className="reason">{t('compliance.no-say', 'In shadow: what it says is shown, and the control claims nothing by it.')}</div>
        )}
        {counts && counts.violated > 0 && (
          <div>
            <Link to={to.violations({ rule: rule.rule_id, from: range.start, to: range.end, view: 'list' })}>{t('compliance.see-violations', 'See the violations')}</Link>
          </div>
        )}
      </td>
      <td className="status">
        <ControlStatusBadge status={rule.status} />
      </td>
      <CountCells counts={counts} />
      <td />
    </tr>
  );
}

function ControlRows({ control, range }: { control: Control; range: ReportHead['range'] }) {
  return (
    <Fragment>
      <tr className="control">
        <th scope="row">{control.control}</th>
        <td>
          {control.title}
          {!control.in_catalogue && <span className="reason"> {t('compliance.not-in-catalogue', '(not in the catalogue)')}</span>}
          {control.removed.length > 0 && (
            <div className="reason">
              {t('compliance.removed', 'Taken away since the start of the range: {{rules}}', { ...PLAIN, rules: control.removed.map((one) => one.rule_id ?? '?').join(', ') })}
            </div>
          )}
        </td>
        <td className="status">
          <ControlStatusBadge status={control.status} />
        </td>
        <td colSpan={5} />
        <td>{control.first_violation && <TimeText time={control.first_violation.time} />}</td>
      </tr>
      {control.rules.map((rule) => (
        <RuleRow key={rule.rule_id} rule={rule} range={range} />
      ))}
    </Fragment>
  );
}

export function ControlTable({ controls, range }: { controls: Control[]; range: ReportHead['range'] }) {
  const styles = useStyles2(getStyles);
  const columns = [
    { text: t('compliance.control', 'Control') },
    { text: t('compliance.rule', 'What it asks for, and the rules that stand for it') },
    { text: t('compliance.says', 'Status') },
    { text: t('compliance.evaluated', 'Evaluated'), isNumber: true },
    { text: t('compliance.exercised', 'Exercised'), isNumber: true },
    { text: t('compliance.satisfied', 'Satisfied'), isNumber: true },
    { text: t('compliance.violated', 'Violated'), isNumber: true },
    { text: t('compliance.undecided', 'Inconclusive'), isNumber: true },
    { text: t('compliance.first', 'First violation') },
  ];
  return (
    <DataTable label={t('compliance.controls', 'Controls')} columns={columns} className={styles}>
      {controls.map((control) => (
        <ControlRows key={control.control} control={control} range={range} />
      ))}
    </DataTable>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({
    '& .control > *': { borderTop: `1px solid ${theme.colors.border.weak}`, paddingTop: theme.spacing(1) },
    '& tbody th': { whiteSpace: 'nowrap', fontWeight: theme.typography.fontWeightMedium },
    '& .status': { whiteSpace: 'nowrap' },
    '& .reason, & .none': { color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize },
  });
