// Packs to begin with, side by side.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { Card } from '../start/Card';
import { PackCard } from './PackCard';
import { PACKS } from './packs';

export default function PackGallery() {
  const styles = useStyles2(getStyles);
  return (
    <Card title={t('packs.title', 'Begin with a pack')}>
      <p>{t('packs.text', 'Packs are rules that come with BeTrace. See how one would have done with your traces of the last day: nothing is stored for that. In shadow its rules are judged like others, and nothing is sent for them.')}</p>
      <ul className={styles}>
        {PACKS.map((pack) => (
          <PackCard key={pack.name} pack={pack} />
        ))}
      </ul>
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({ listStyle: 'none', margin: 0, padding: 0, display: 'grid', gap: theme.spacing(1.5), alignItems: 'start', gridTemplateColumns: 'repeat(auto-fill, minmax(min(360px, 100%), 1fr))' });
