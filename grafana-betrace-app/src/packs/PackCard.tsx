// A pack: what it is about, how its rules would have done here, and one click that stores them in shadow.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, useStyles2 } from '@grafana/ui';
import { useId, useState } from 'react';
import { Link } from 'react-router-dom';
import { useAddInShadow } from '../api/rules';
import { ErrorState } from '../components/ErrorState';
import { useWriteDisabledReason } from '../components/Forbidden';
import { ACTIONS } from '../permissions';
import { useUrls } from '../routing/useUrls';
import type { Pack } from './packs';
import { packWords } from './packWords';
import { PreviewLine } from './PreviewLine';

function Added({ created }: { created: number }) {
  const to = useUrls();
  return (
    <p role="status">
      {created > 0
        ? t('packs.added', 'Added in shadow: {{n}} rules. They are judged, and nothing is sent for them.', { n: created })
        : t('packs.there', 'All of its rules are stored already.')}{' '}
      <Link to={to.rules()}>{t('packs.see', 'See the rules')}</Link>
    </p>
  );
}

export function PackCard({ pack }: { pack: Pack }) {
  const styles = useStyles2(getStyles);
  const id = useId();
  const [isOpen, setIsOpen] = useState(false);
  const add = useAddInShadow();
  const mayNot = useWriteDisabledReason(ACTIONS.writeRules);
  const mayNotPreview = useWriteDisabledReason(ACTIONS.readViolations);
  const { title, about } = packWords(pack.name) ?? { title: pack.name, about: '' };
  const n = pack.rules.length;
  return (
    <li className={styles.pack} aria-labelledby={id}>
      <h3 id={id} className={styles.title}>
        {title}
      </h3>
      <p className={styles.about}>{about}</p>
      <div className={styles.actions}>
        {!mayNotPreview && (
          <Button size="sm" variant="secondary" icon={isOpen ? 'angle-up' : 'history'} aria-expanded={isOpen} aria-describedby={id} onClick={() => setIsOpen(!isOpen)}>
            {isOpen ? t('packs.fold', 'Fold') : t('packs.try', 'How would it have done here?')}
          </Button>
        )}
        <Button size="sm" icon="plus" tooltip={mayNot} disabled={Boolean(mayNot) || add.isPending || add.isSuccess} aria-describedby={id} onClick={() => add.mutate(pack.rules)}>
          {t('packs.add', 'Add {{n}} rules in shadow', { n })}
        </Button>
      </div>
      {add.error && <ErrorState error={add.error} title={t('packs.not-added', 'Nothing was added')} />}
      {add.data && <Added created={add.data.created} />}
      {isOpen && (
        <ul className={styles.rules} aria-label={t('packs.last-day', 'The last day')}>
          {pack.rules.map((rule) => (
            <PreviewLine key={rule.id} rule={rule} />
          ))}
        </ul>
      )}
    </li>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  pack: css({ padding: theme.spacing(1.5), border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default, minWidth: 0 }),
  title: css({ ...theme.typography.h5, margin: 0 }),
  about: css({ color: theme.colors.text.secondary, margin: theme.spacing(0.5, 0, 1) }),
  actions: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
  rules: css({ listStyle: 'none', margin: theme.spacing(1, 0, 0), padding: 0 }),
});
