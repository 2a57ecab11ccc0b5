// What keys do on this page. The dialog of @grafana/ui keeps the focus in it and gives it back, and Escape closes it.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Checkbox, Modal, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { lettersNeedAlt, setLettersNeedAlt } from './letterKeys';
import type { PageKey } from './pageKeys';

export function KeysDialog({ keys, onDismiss }: { keys: PageKey[]; onDismiss(): void }) {
  const styles = useStyles2(getStyles);
  const [needAlt, setNeedAlt] = useState(lettersNeedAlt);
  const choose = (isNeeded: boolean) => {
    setLettersNeedAlt(isNeeded);
    setNeedAlt(isNeeded);
  };
  const told = [...keys, { key: '?', text: t('keys.this', 'Show these keys') }].map(({ key, shown = key, run, text }: PageKey) => [
    needAlt && (run || key === '?') ? `Alt+${shown}` : shown,
    text,
  ]);
  const all = [...new Map(told.map((line) => [line.join(' '), line])).values()]; // two waterfalls have the same keys
  return (
    <Modal isOpen title={t('keys.title', 'Keys of this page')} className={styles.dialog} onDismiss={onDismiss}>
      <dl className={styles.keys}>
        {all.map(([shown, text]) => (
          <div key={shown + text} className={styles.line}>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p className={styles.when}>{t('keys.when', 'Single letters act while you type neither in a field nor in the editor.')}</p>
      <Checkbox label={t('keys.with-alt', 'They act only with Alt, in this browser')} value={needAlt} onChange={(event) => choose(event.currentTarget.checked)} />
    </Modal>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  dialog: css({ width: 480, maxWidth: 'calc(100vw - 16px)' }),
  keys: css({ margin: 0 }),
  line: css({ display: 'grid', gridTemplateColumns: '130px minmax(0, 1fr)', gap: theme.spacing(2), padding: theme.spacing(0.5, 0), '& dt, & dd': { margin: 0, fontWeight: 'normal' }, '& kbd': { padding: theme.spacing(0.25, 0.75) } }),
  when: css({ margin: theme.spacing(2, 0, 0), color: theme.colors.text.secondary }),
});
