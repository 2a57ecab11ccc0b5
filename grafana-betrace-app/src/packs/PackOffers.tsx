// Frameworks that no rule stands for yet, and the packs that have rules for their controls.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { PackCard } from './PackCard';
import { PACK_OF_FRAMEWORK } from './packs';

export default function PackOffers({ frameworks }: { frameworks: string[] }) {
  const styles = useStyles2(getStyles);
  const packs = frameworks.flatMap((framework) => PACK_OF_FRAMEWORK[framework] ?? []);
  if (packs.length === 0) {
    return null;
  }
  return (
    <section aria-labelledby="pack-offers">
      <h2 id="pack-offers" className={styles.heading}>
        {t('packs.offers', 'Packs with rules for controls')}
      </h2>
      <p>{t('packs.offers-text', 'Rules in shadow are judged like others, and nothing is sent for them. Of a control whose rules are all in shadow a report claims nothing.')}</p>
      <ul className={styles.list}>
        {packs.map((pack) => (
          <PackCard key={pack.name} pack={pack} />
        ))}
      </ul>
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  heading: css({ ...theme.typography.h4, marginTop: theme.spacing(3) }),
  list: css({ listStyle: 'none', margin: 0, padding: 0, display: 'grid', gap: theme.spacing(1.5), alignItems: 'start', gridTemplateColumns: 'repeat(auto-fill, minmax(min(360px, 100%), 1fr))' }),
});
