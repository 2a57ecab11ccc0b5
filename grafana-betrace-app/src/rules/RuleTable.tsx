// The rules, a row each: on and off, name, severity, labels, controls, age, and what can be done with one.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Dropdown, IconButton, Menu, Switch, Tag, Tooltip, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';
import { PLAIN } from '../i18n';
import { useEnableRule } from '../api/rules';
import type { Rule } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { SeverityBadge } from '../components/SeverityBadge';
import { TimeText } from '../components/TimeText';
import { useUrls } from '../routing/useUrls';

interface Props {
  rules: Rule[];
  /** why nothing can be changed */
  disabled?: string;
  /** why nothing can be switched on and off */
  cannotSwitch?: string;
  onLabel(label: string): void;
  onDelete(rule: Rule): void;
}

type Enable = ReturnType<typeof useEnableRule>;

function EnabledSwitch({ rule, enable, disabled }: { rule: Rule; enable: Enable; disabled?: string }) {
  const isMine = enable.isPending && enable.variables?.id === rule.id;
  const control = (
    <span>
      <Switch
        aria-label={t('rules.switch', 'Enabled: {{name}}', { ...PLAIN, name: rule.name })}
        value={isMine ? enable.variables?.enabled : rule.enabled}
        disabled={Boolean(disabled) || isMine}
        onChange={(event) => enable.mutate({ id: rule.id, enabled: event.currentTarget.checked })}
      />
    </span>
  );
  return disabled ? <Tooltip content={disabled}>{control}</Tooltip> : control;
}

function RowMenu({ rule, disabled, onDelete }: { rule: Rule; disabled?: string; onDelete(): void }) {
  const to = useUrls();
  const menu = (
    <Menu>
      <Menu.Item icon="list-ul" label={t('rules.menu.violations', 'Violations')} url={to.violations({ rule: rule.id })} />
      <Menu.Item icon="history" label={t('rules.menu.replay', 'Replay')} url={to.replays({ rule: rule.id })} />
      <Menu.Item icon="clock-nine" label={t('rules.menu.history', 'Version history')} url={to.rule(rule.id, { panel: 'history' })} />
      <Menu.Item
        icon="trash-alt"
        destructive
        label={t('rules.menu.delete', 'Delete')}
        disabled={Boolean(disabled)}
        description={disabled}
        onClick={onDelete}
      />
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <IconButton name="ellipsis-v" size="lg" aria-label={t('rules.menu.label', 'More for {{name}}', { ...PLAIN, name: rule.name })} />
    </Dropdown>
  );
}

function Row({ rule, enable, disabled, cannotSwitch, onLabel, onDelete }: Omit<Props, 'rules'> & { rule: Rule; enable: Enable }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <tr>
      <td>
        <EnabledSwitch rule={rule} enable={enable} disabled={cannotSwitch} />
      </td>
      <td className={styles.name}>
        <Link to={to.rule(rule.id)} className={styles.link}>
          {rule.name}
        </Link>{' '}
        {rule.shadow && <Badge color="purple" icon="eye" text={t('rule.in-shadow', 'Shadow')} />}
        {rule.broken && <Badge color="red" icon="exclamation-triangle" text={t('rules.broken', 'Not evaluated')} tooltip={rule.broken} />}
        <div className={styles.id}>{rule.id}</div>
      </td>
      <td>
        <SeverityBadge severity={rule.severity} />
      </td>
      <td>
        <div className={styles.tags}>
          {Object.entries(rule.labels).map(([key, value]) => (
            <Tag key={key} name={`${key}:${value}`} onClick={() => onLabel(`${key}:${value}`)} />
          ))}
        </div>
      </td>
      <td>{rule.controls.map(({ framework, control }) => `${framework} ${control}`).join(', ')}</td>
      <td>
        <TimeText time={rule.updated_at} style="ago" />
        <div className={styles.id}>{t('rules.version-by', 'version {{version}}', { version: rule.version })}</div>
      </td>
      <td>
        <RowMenu rule={rule} disabled={disabled} onDelete={() => onDelete(rule)} />
      </td>
    </tr>
  );
}

export function RuleTable({ rules, ...props }: Props) {
  const styles = useStyles2(getStyles);
  const enable = useEnableRule();
  return (
    <>
      {enable.error && <ErrorState error={enable.error} title={t('rules.not-switched', 'The rule was not switched')} />}
      <div className={styles.scroll}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{t('rules.column.enabled', 'Enabled')}</th>
              <th scope="col">{t('rules.column.rule', 'Rule')}</th>
              <th scope="col">{t('rules.column.severity', 'Severity')}</th>
              <th scope="col">{t('rules.column.labels', 'Labels')}</th>
              <th scope="col">{t('rules.column.controls', 'Controls')}</th>
              <th scope="col">{t('rules.column.changed', 'Changed')}</th>
              <th scope="col">
                <span className={styles.unseen}>{t('rules.column.more', 'More')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <Row key={rule.id} rule={rule} enable={enable} {...props} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  // positioned: else the unseen head of the last column, which is, would make the document as wide as the table
  scroll: css({ overflowX: 'auto', position: 'relative' }),
  table: css({
    width: '100%',
    borderCollapse: 'collapse',
    'th, td': { padding: theme.spacing(1), textAlign: 'left', borderBottom: `1px solid ${theme.colors.border.weak}`, verticalAlign: 'top' },
    th: { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightMedium, whiteSpace: 'nowrap' },
    'tbody tr:hover': { background: theme.colors.action.hover },
  }),
  name: css({ minWidth: 260 }),
  link: css({ color: theme.colors.text.link, fontWeight: theme.typography.fontWeightMedium, '&:hover': { textDecoration: 'underline' } }),
  id: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, overflowWrap: 'anywhere' }),
  tags: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5) }),
  unseen: css({ position: 'absolute', width: 1, height: 1, overflow: 'hidden', clipPath: 'inset(50%)' }),
});
