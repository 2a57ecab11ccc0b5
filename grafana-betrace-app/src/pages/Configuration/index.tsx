// How things are set up. In Grafana the settings are on the plugin's own page; without it they are here. The service is
// set up alone flags, and says what is on.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { LinkButton, useStyles2 } from '@grafana/ui';
import { PLUGIN_ID } from '../../constants';
import { PageFrame, useHost } from '../../host/context';
import { Card } from '../../start/Card';
import { ServiceCard } from '../../start/ServiceCard';
import { StandaloneSettings } from './StandaloneSettings';

function GrafanaSettings() {
  return (
    <Card title={t('configuration.plugin', 'Connection')}>
      <p>{t('configuration.plugin-text', 'The address of the service and the token for it are settings of this plugin. Administrators of this Grafana can change them.')}</p>
      <LinkButton href={`/plugins/${PLUGIN_ID}`} icon="cog">
        {t('configuration.plugin-open', 'Open the settings')}
      </LinkButton>
    </Card>
  );
}

function ServiceSettings() {
  const styles = useStyles2(getStyles);
  return (
    <Card title={t('configuration.service', 'Settings of the service')}>
      <p>{t('configuration.service-text', 'The service takes its settings from flags, the environment and a file. This shows all of them, and where each came from:')}</p>
      <pre className={styles.code}>{'betrace serve --print-config'}</pre>
      <p>{t('configuration.service-reload', 'Tokens, certificates and pages are read again on SIGHUP; everything else needs a restart.')}</p>
    </Card>
  );
}

export default function Configuration() {
  const styles = useStyles2(getStyles);
  const { kind } = useHost();
  return (
    <PageFrame title={t('configuration.title', 'Configuration')}>
      <div className={styles.page}>
        <ServiceCard />
        {kind === 'grafana' ? <GrafanaSettings /> : <StandaloneSettings />}
        <ServiceSettings />
      </div>
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2), maxWidth: 900 }),
  code: css({ margin: theme.spacing(0, 0, 1) }),
});
