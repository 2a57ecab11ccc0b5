// What can be done with many chosen rules: asked once, done one rule after the other, and told of each that it was not done with. Those stay chosen.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Button, Modal, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { useChangeRules, type RuleChange } from '../api/rules';
import { asApiError } from '../api/problem';
import type { Rule } from '../api/types';
import { List } from '../components/List';

interface Words {
  button: string;
  question: string;
  what: string;
  done: string;
}

function wordsOf(change: RuleChange, n: number): Words {
  switch (change) {
    case 'enable':
      return { button: t('many.enable', 'Enable'), question: t('many.enable-ask', 'Rules to enable: {{n}}', { n }), what: t('many.enable-what', 'They are evaluated, watched and reported. Those in shadow stay in shadow.'), done: t('many.enabled', 'Enabled: {{n}}', { n }) };
    case 'disable':
      return { button: t('many.disable', 'Disable'), question: t('many.disable-ask', 'Rules to disable: {{n}}', { n }), what: t('many.disable-what', 'Nobody looks for their violations any more, until they are enabled.'), done: t('many.disabled', 'Disabled: {{n}}', { n }) };
    case 'shadow':
      return { button: t('many.shadow', 'Put in shadow'), question: t('many.shadow-ask', 'Rules to put in shadow: {{n}}', { n }), what: t('many.shadow-what', 'They are judged as before, and nothing is sent for them: alerts that rest on them end.'), done: t('many.shadowed', 'Put in shadow: {{n}}', { n }) };
    case 'light':
      return { button: t('many.light', 'Take out of shadow'), question: t('many.light-ask', 'Rules to take out of shadow: {{n}}', { n }), what: t('many.light-what', 'Their violations are sent, and alerts may fire.'), done: t('many.lit', 'Taken out of shadow: {{n}}', { n }) };
    case 'delete':
      return { button: t('many.delete', 'Delete'), question: t('many.delete-ask', 'Rules to delete: {{n}}', { n }), what: t('many.delete-what', 'They are no longer evaluated, watched or reported. Their versions stay in the history.'), done: t('many.deleted', 'Deleted: {{n}}', { n }) };
  }
}

/** Those that are not so already. */
export function toChange(change: RuleChange, rules: readonly Rule[]): Rule[] {
  const isSo: Record<RuleChange, (rule: Rule) => boolean> = { enable: (rule) => rule.enabled, disable: (rule) => !rule.enabled, shadow: (rule) => rule.shadow, light: (rule) => !rule.shadow, delete: () => false };
  return rules.filter((rule) => !isSo[change](rule));
}

function Confirm({ change, rules, onDone, onDismiss }: { change: RuleChange; rules: readonly Rule[]; onDone(text: string): void; onDismiss(): void }) {
  const styles = useStyles2(getStyles);
  const run = useChangeRules();
  const [asked] = useState(() => toChange(change, rules));
  const { button, question, what } = wordsOf(change, asked.length);
  const so = rules.length - asked.length;
  const failed = run.data?.failed ?? [];
  // as they are now: a version that was too old is read again by then, and was told of
  const again = rules.filter(({ id }) => failed.some(({ rule }) => rule.id === id));
  const start = () =>
    run.mutate({ change, rules: failed.length ? again : asked }, { onSuccess: (result) => result.failed.length === 0 && onDone(wordsOf(change, asked.length).done) });
  return (
    <Modal isOpen title={question} onDismiss={onDismiss}>
      <p>{what}</p>
      {so > 0 && <p>{t('many.so', 'Of the chosen rules {{n}} are so already, and stay as they are.', { n: so })}</p>}
      {failed.length === 0 && (
        <List className={styles.names}>
          {asked.map(({ id, name }) => (
            <li key={id}>{name}</li>
          ))}
        </List>
      )}
      {failed.length > 0 && (
        <Alert severity="error" title={t('many.failed', 'Not done with {{failed}} of {{n}} rules; done with the others', { failed: failed.length, n: (run.data?.done.length ?? 0) + failed.length })}>
          <List className={styles.names}>
            {failed.map(({ rule, error }) => {
              const { title, detail } = asApiError(error);
              return (
                <li key={rule.id}>
                  {rule.name}: {[title, detail].filter(Boolean).join(': ')}
                </li>
              );
            })}
          </List>
        </Alert>
      )}
      <Modal.ButtonRow>
        <Button variant="secondary" onClick={onDismiss}>
          {failed.length ? t('many.close', 'Close') : t('many.cancel', 'Cancel')}
        </Button>
        <Button variant={change === 'delete' ? 'destructive' : 'primary'} disabled={run.isPending || asked.length === 0} onClick={start}>
          {run.isPending ? t('many.pending', 'Working…') : failed.length ? t('many.again', 'Try these again') : button}
        </Button>
      </Modal.ButtonRow>
    </Modal>
  );
}

interface Props {
  /** those that are chosen */
  rules: readonly Rule[];
  /** of them those that no row shows now */
  hidden: number;
  /** why nothing can be changed */
  disabled?: string;
  /** why nothing can be switched on and off */
  cannotSwitch?: string;
  onClear(): void;
}

export function ManyRules({ rules, hidden, disabled, cannotSwitch, onClear }: Props) {
  const styles = useStyles2(getStyles);
  const [change, setChange] = useState<RuleChange | null>(null);
  const [told, setTold] = useState('');
  const whyNot = (one: RuleChange) => (one === 'enable' || one === 'disable' ? cannotSwitch : disabled);
  const all: RuleChange[] = ['enable', 'disable', 'shadow', 'light', 'delete'];
  return (
    <>
      <div role="status" className={styles.told}>
        {told}
      </div>
      {rules.length > 0 && (
        <div className={styles.bar} role="group" aria-label={t('many.label', 'Chosen rules')}>
          <strong>
            {t('many.chosen', 'Chosen: {{n}}', { n: rules.length })}
            {hidden > 0 && ` ${t('many.hidden', '({{n}} of them not shown)', { n: hidden })}`}
          </strong>
          {all.map((one) => (
            <Button key={one} size="sm" variant={one === 'delete' ? 'destructive' : 'secondary'} disabled={Boolean(whyNot(one))} tooltip={whyNot(one)} onClick={() => setChange(one)}>
              {wordsOf(one, rules.length).button}
            </Button>
          ))}
          <Button size="sm" variant="secondary" fill="text" onClick={onClear}>
            {t('many.clear', 'Choose none')}
          </Button>
        </div>
      )}
      {change && (
        <Confirm
          change={change}
          rules={rules}
          onDismiss={() => setChange(null)}
          onDone={(text) => {
            setTold(text);
            setChange(null);
          }}
        />
      )}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({
    position: 'sticky',
    bottom: 0,
    zIndex: 1,
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(1),
    background: theme.colors.background.elevated ?? theme.colors.background.secondary,
    border: `1px solid ${theme.colors.border.medium}`,
    borderRadius: theme.shape.radius.default,
  }),
  names: css({ maxHeight: 240, overflow: 'auto' }),
  told: css({ color: theme.colors.text.secondary, '&:empty': { display: 'none' } }),
});
