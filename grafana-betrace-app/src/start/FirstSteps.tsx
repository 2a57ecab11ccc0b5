// What to do first, while something is missing. Gone once there are rules and traces.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { LinkButton, useStyles2 } from '@grafana/ui';
import { lazy, Suspense } from 'react';
import { useHealth } from '../api/service';
import { useWriteDisabledReason } from '../components/Forbidden';
import { Loading } from '../components/Loading';
import { storeName } from '../components/sourceName';
import { PLAIN } from '../i18n';
import { ACTIONS } from '../permissions';
import { useUrls } from '../routing/useUrls';
import { Card } from './Card';
import { sourceHelp } from './serviceWords';

/** The packs and their texts are fetched where they are offered, and nowhere else. */
const PackGallery = lazy(() => import('../packs/PackGallery'));

function OwnRule() {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const mayNot = useWriteDisabledReason(ACTIONS.writeRules);
  return (
    <Card title={t('start.first.title', 'Write the first rule')}>
      <p>{t('start.first.text', 'A rule says what must be true of a trace. BeTrace then tells which traces of the past broke it, when that started, and what it could not read.')}</p>
      {mayNot ? (
        <p>{mayNot}</p>
      ) : (
        <div className={styles.actions}>
          <LinkButton icon="pen" variant="secondary" href={to.newRule()}>
            {t('start.first.new', 'Write a rule')}
          </LinkButton>
          <LinkButton variant="secondary" icon="import" href={to.rules()}>
            {t('start.first.import', 'Import rules')}
          </LinkButton>
          <LinkButton variant="secondary" icon="play" href={to.replays({ what: 'dsl' })}>
            {t('start.first.try', 'Try one without saving it')}
          </LinkButton>
        </div>
      )}
    </Card>
  );
}

export function NoRules() {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.column}>
      <Suspense fallback={<Loading />}>
        <PackGallery />
      </Suspense>
      <OwnRule />
    </div>
  );
}

/** Without traces nothing can be said, whatever the rules are. */
export function NoSource({ reason }: { reason: string }) {
  const kind = useHealth().data?.metadata.source;
  return (
    <Card title={t('start.source.title', 'Connect {{store}}', { ...PLAIN, store: storeName(kind) ?? 'Tempo' })}>
      <p>{t('start.source.text', 'The service does not reach its traces, so it can answer nothing: {{reason}}', { ...PLAIN, reason })}</p>
      <p>{sourceHelp(kind)}</p>
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  column: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2), minWidth: 0 }),
  actions: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
});
