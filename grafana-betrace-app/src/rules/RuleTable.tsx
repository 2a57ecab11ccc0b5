// Rules of one pack, a row each: chosen or not, on or off, what it is, what it did in the last day, and what can be done with it. Where there is little
// room each row is a card.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Checkbox, Dropdown, IconButton, Menu, Switch, Tag, Tooltip, useStyles2, type BadgeColor } from '@grafana/ui';
import { Link } from 'react-router-dom';
import { PLAIN } from '../i18n';
import type { useEnableRule } from '../api/rules';
import type { Rule } from '../api/types';
import { Bars } from '../components/Bars';
import { SeverityBadge } from '../components/SeverityBadge';
import { TimeText } from '../components/TimeText';
import { useUrls } from '../routing/useUrls';
import { barsInWords, countInWords, healthWord, shareInWords, type Health, type RuleDay } from './board';
import type { Chosen } from './chosen';

type Enable = ReturnType<typeof useEnableRule>;

export interface RowProps {
  chosen: Chosen;
  enable: Enable;
  /** why nothing can be changed */
  disabled?: string;
  /** why nothing can be switched on and off */
  cannotSwitch?: string;
  onLabel(label: string): void;
  onDelete(rule: Rule): void;
}

const COLOR: Record<Health, BadgeColor> = { violated: 'red', unjudged: 'orange', unread: 'orange', partial: 'orange', idle: 'blue', kept: 'green', off: 'darkgrey', asking: 'darkgrey' };
const RANGE = { from: 'now-24h', to: 'now' };

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
      <Menu.Item icon="tachometer-fast" label={t('rules.menu.price', 'What it costs')} url={to.rule(rule.id, { panel: 'cost' })} />
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

function LastDay({ rule, day }: { rule: Rule; day: RuleDay }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <div className={styles.day}>
      <div className={styles.line}>
        <Badge text={healthWord(day.health)} color={COLOR[day.health]} />
        {day.count ? <Link to={to.violations({ rule: rule.id, ...RANGE })} className={styles.link}>{countInWords(day)}</Link> : null}
      </div>
      {day.bars.length > 0 && day.count ? <Bars bars={day.bars} label={barsInWords(day)} /> : null}
      {day.why && <div className={styles.small}>{day.why}</div>}
    </div>
  );
}

function LastViolated({ day }: { day: RuleDay }) {
  if (day.last) {
    return <TimeText time={day.last} style="ago" />;
  }
  return <>{day.health === 'kept' || day.health === 'idle' ? t('board.not-in-day', 'not in the last day') : shareInWords({ ...day, share: null })}</>;
}

function RuleCell({ rule, onLabel }: { rule: Rule; onLabel(label: string): void }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const tags = Object.entries(rule.labels).filter(([key]) => key !== 'pack');
  return (
    <>
      <Link to={to.rule(rule.id)} className={cx(styles.link, styles.name)} data-name>
        {rule.name}
      </Link>{' '}
      {rule.shadow && <Badge color="purple" icon="eye" text={t('rule.in-shadow', 'Shadow')} />}
      {rule.broken && <Badge color="red" icon="exclamation-triangle" text={t('rules.broken', 'Not evaluated')} tooltip={rule.broken} />}
      <div className={styles.small}>
        {rule.id}
        {rule.controls.length > 0 && `; ${rule.controls.map(({ framework, control }) => `${framework} ${control}`).join(', ')}`}
      </div>
      {tags.length > 0 && (
        <div className={styles.tags}>
          {tags.map(([key, value]) => (
            <Tag key={key} name={`${key}:${value}`} onClick={() => onLabel(`${key}:${value}`)} />
          ))}
        </div>
      )}
    </>
  );
}

function Row({ rule, day, chosen, enable, disabled, cannotSwitch, onLabel, onDelete }: RowProps & { rule: Rule; day: RuleDay }) {
  const styles = useStyles2(getStyles);
  return (
    <tr role="row" data-rule={rule.id} data-health={day.health}>
      <td role="cell" className={styles.choice}>
        <Checkbox
          aria-label={t('rules.choose', 'Choose {{name}}', { ...PLAIN, name: rule.name })}
          value={chosen.has(rule.id)}
          onChange={(event) => chosen.set([rule.id], event.currentTarget.checked)}
        />
      </td>
      <td role="cell" className={styles.on}>
        <EnabledSwitch rule={rule} enable={enable} disabled={cannotSwitch} />
      </td>
      <td role="cell" className={styles.wide}>
        <RuleCell rule={rule} onLabel={onLabel} />
      </td>
      <td role="cell" className={styles.wide}>
        <LastDay rule={rule} day={day} />
      </td>
      <td role="cell" data-label={t('rules.column.share', 'Share')}>
        {shareInWords(day)}
      </td>
      <td role="cell" data-label={t('rules.column.last', 'Last violated')}>
        <LastViolated day={day} />
      </td>
      <td role="cell" data-label={t('rules.column.severity', 'Severity')}>
        <SeverityBadge severity={rule.severity} />
      </td>
      <td role="cell" data-label={t('rules.column.changed', 'Changed')}>
        <TimeText time={rule.updated_at} style="ago" />
        <div className={styles.small}>{t('rules.version-by', 'version {{version}}', { version: rule.version })}</div>
      </td>
      <td role="cell" className={styles.more}>
        <RowMenu rule={rule} disabled={disabled} onDelete={() => onDelete(rule)} />
      </td>
    </tr>
  );
}

interface Props extends RowProps {
  label: string;
  rules: readonly Rule[];
  days: ReadonlyMap<string, RuleDay>;
}

export function RuleTable({ label, rules, days, ...props }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.scroll}>
      <table role="table" className={styles.table} aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col" className={styles.narrow}>
              <span className={styles.unseen}>{t('rules.column.choose', 'Chosen')}</span>
            </th>
            <th role="columnheader" scope="col" className={styles.switchColumn}>
              {t('rules.column.enabled', 'Enabled')}
            </th>
            <th role="columnheader" scope="col">{t('rules.column.rule', 'Rule')}</th>
            <th role="columnheader" scope="col" className={styles.dayColumn}>{t('rules.column.day', 'Last 24 hours')}</th>
            <th role="columnheader" scope="col" className={styles.column}>{t('rules.column.share', 'Share')}</th>
            <th role="columnheader" scope="col" className={styles.column}>{t('rules.column.last', 'Last violated')}</th>
            <th role="columnheader" scope="col" className={styles.column}>{t('rules.column.severity', 'Severity')}</th>
            <th role="columnheader" scope="col" className={styles.column}>{t('rules.column.changed', 'Changed')}</th>
            <th role="columnheader" scope="col" className={styles.narrow}>
              <span className={styles.unseen}>{t('rules.column.more', 'More')}</span>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rules.map((rule) => (
            <Row key={rule.id} rule={rule} day={days.get(rule.id)!} {...props} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const CARDS = '@container (max-width: 900px)';

const getStyles = (theme: GrafanaTheme2) => ({
  // positioned: else the unseen heads, which are, would make the document as wide as the table
  scroll: css({ containerType: 'inline-size', position: 'relative' }),
  table: css({
    width: '100%',
    tableLayout: 'fixed',
    borderCollapse: 'collapse',
    'th, td': { padding: theme.spacing(1), textAlign: 'left', borderBottom: `1px solid ${theme.colors.border.weak}`, verticalAlign: 'top', overflowWrap: 'anywhere' },
    th: { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightMedium, whiteSpace: 'nowrap' },
    'tbody tr:hover': { background: theme.colors.action.hover },
    [CARDS]: {
      display: 'block',
      thead: { position: 'absolute', width: 1, height: 1, overflow: 'hidden', clipPath: 'inset(50%)' },
      tbody: { display: 'block' },
      'tbody tr': { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 2), padding: theme.spacing(1, 0), borderBottom: `1px solid ${theme.colors.border.weak}` },
      td: { display: 'block', border: 'none', padding: 0 },
      'td[data-label]::before': { content: 'attr(data-label) ": "', color: theme.colors.text.secondary },
    },
  }),
  narrow: css({ width: 44 }),
  switchColumn: css({ width: 76 }),
  dayColumn: css({ width: '24%' }),
  column: css({ width: 108 }),
  choice: css({ [theme.breakpoints.down('sm')]: { '& label': { minWidth: 44, minHeight: 44, display: 'grid', placeContent: 'center' } } }),
  on: css({ [CARDS]: { order: 0 } }),
  wide: css({ [CARDS]: { flexBasis: '100%', order: 1 }, '& ~ td': { [CARDS]: { order: 2 } } }),
  more: css({ [CARDS]: { order: '0 !important', marginLeft: 'auto' } }),
  day: css({ display: 'grid', gap: theme.spacing(0.5) }),
  line: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 1) }),
  link: css({ color: theme.colors.text.link, '&:hover': { textDecoration: 'underline' }, [theme.breakpoints.down('sm')]: { display: 'inline-flex', alignItems: 'center', minHeight: 44 } }),
  name: css({ fontWeight: theme.typography.fontWeightMedium }),
  small: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, overflowWrap: 'anywhere' }),
  tags: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5), marginTop: theme.spacing(0.5) }),
  unseen: css({ position: 'absolute', width: 1, height: 1, overflow: 'hidden', clipPath: 'inset(50%)' }),
});
