// The rules by packs: each pack says how its rules are, and folds. Many are chosen at once, also those of a folded pack. j and k go from row to row, x chooses.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Checkbox, Icon, useStyles2 } from '@grafana/ui';
import { useEffect, useRef, useState } from 'react';
import { useEnableRule } from '../api/rules';
import type { Rule } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { PLAIN } from '../i18n';
import { usePageKeys } from '../keys/pageKeys';
import { packWords } from '../packs/packWords';
import { healthsInWords, packsOf, type RuleDay, type RulePack } from './board';
import { RuleTable, type RowProps } from './RuleTable';

interface Props extends Omit<RowProps, 'enable'> {
  rules: readonly Rule[];
  days: ReadonlyMap<string, RuleDay>;
  /** the packs that are open; undefined: nothing folds, because something is looked for */
  open?: readonly string[];
  onOpen(open: string[]): void;
}

interface PackProps extends RowProps {
  pack: RulePack;
  days: Props['days'];
  isOpen: boolean;
  onToggle?(): void;
}

const titleOf = (name: string) => (name === '' ? t('rules.own', 'Your own rules') : (packWords(name)?.title ?? name));

/** From elsewhere on the page the first key comes to the first row. */
function useRowKeys(chosen: Props['chosen']) {
  const board = useRef<HTMLDivElement>(null);
  const rows = () => [...(board.current?.querySelectorAll<HTMLElement>('[data-rule]') ?? [])];
  const here = () => rows().findIndex((row) => row.contains(document.activeElement));
  const step = (by: number) => {
    const all = rows();
    all[here() < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here() + by))]?.querySelector<HTMLElement>('[data-name]')?.focus();
  };
  const choose = () => {
    const id = rows()[here()]?.dataset.rule;
    if (id !== undefined) {
      chosen.set([id], !chosen.has(id));
    }
  };
  usePageKeys([
    { key: 'j', text: t('keys.next-rule', 'To the next rule'), run: () => step(1), repeats: true },
    { key: 'k', text: t('keys.previous-rule', 'To the rule before'), run: () => step(-1), repeats: true },
    { key: 'x', text: t('keys.choose-rule', 'Choose the rule, or leave it'), run: choose },
    { key: 'Enter', text: t('keys.open-rule', 'Open the rule') },
  ]);
  return board;
}

const ROWS = 200;

/** So many rows, and more when asked. Whoever asks goes on at the first row that came: the button is further down then, or gone. */
function useRows() {
  const [shown, setShown] = useState(ROWS);
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    if (shown > ROWS) {
      section.current?.querySelectorAll('tbody tr')[shown - ROWS]?.querySelector('a')?.focus();
    }
  }, [shown]);
  return { section, shown, more: () => setShown(shown + ROWS) };
}

function Pack({ pack: { name, rules }, days, isOpen, onToggle, ...props }: PackProps) {
  const styles = useStyles2(getStyles);
  const title = titleOf(name);
  const { section, shown, more } = useRows();
  const ids = rules.map(({ id }) => id);
  const n = ids.filter((id) => props.chosen.has(id)).length;
  return (
    <section ref={section} aria-label={title} data-pack={name}>
      <div className={styles.head}>
        <span className={styles.choice}>
          <Checkbox
            aria-label={t('rules.choose-pack', 'Choose all {{n}} of {{name}}', { ...PLAIN, n: rules.length, name: title })}
            value={n === rules.length}
            indeterminate={n > 0 && n < rules.length}
            onChange={(event) => props.chosen.set(ids, event.currentTarget.checked)}
          />
        </span>
        <h2 className={styles.title}>
          {onToggle ? (
            <button type="button" className={styles.toggle} aria-expanded={isOpen} onClick={onToggle}>
              <Icon name={isOpen ? 'angle-down' : 'angle-right'} />
              <span>{title}</span>
            </button>
          ) : (
            title
          )}
        </h2>
        <span className={styles.states}>{healthsInWords(rules.flatMap(({ id }) => days.get(id) ?? []))}</span>
      </div>
      {isOpen && <RuleTable label={title} rules={rules.slice(0, shown)} days={days} {...props} />}
      {isOpen && rules.length > shown && (
        <Button variant="secondary" className={styles.more} onClick={more}>
          {t('rules.more', 'Show more')}
        </Button>
      )}
    </section>
  );
}

export function RuleBoard({ rules, days, open, onOpen, ...props }: Props) {
  const styles = useStyles2(getStyles);
  const enable = useEnableRule();
  const board = useRowKeys(props.chosen);
  const packs = packsOf(rules);
  const toggle = (name: string) => open && onOpen(open.includes(name) ? open.filter((one) => one !== name) : [...open, name]);
  return (
    <div ref={board} className={styles.board}>
      {enable.error && <ErrorState error={enable.error} title={t('rules.not-switched', 'The rule was not switched')} />}
      {packs.map((pack) => {
        const folds = open !== undefined && pack.name !== '';
        return <Pack key={pack.name} pack={pack} days={days} isOpen={!folds || open.includes(pack.name)} onToggle={folds ? () => toggle(pack.name) : undefined} enable={enable} {...props} />;
      })}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  // what it draws above itself stays below the bar of what is chosen
  board: css({ isolation: 'isolate', display: 'flex', flexDirection: 'column', gap: theme.spacing(1) }),
  head: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(0.5, 1.5), padding: theme.spacing(0.5, 1), background: theme.colors.background.secondary, borderRadius: theme.shape.radius.default }),
  choice: css({ [theme.breakpoints.down('sm')]: { marginLeft: theme.spacing(-1), '& label': { minWidth: 44, minHeight: 44, display: 'grid', placeContent: 'center' } } }),
  title: css({ ...theme.typography.h5, margin: 0, minWidth: 0, overflowWrap: 'anywhere' }),
  toggle: css({ display: 'inline-flex', alignItems: 'center', gap: theme.spacing(0.5), padding: 0, border: 'none', background: 'none', font: 'inherit', textAlign: 'left', color: theme.colors.text.link, minHeight: 32 }),
  more: css({ marginTop: theme.spacing(1) }),
  states: css({ color: theme.colors.text.secondary, overflowWrap: 'anywhere', fontVariantNumeric: 'tabular-nums' }),
});
