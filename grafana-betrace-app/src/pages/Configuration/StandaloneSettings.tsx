// What this browser remembers for the standalone app: theme and time zone; token and tenant for as long as the tab is open.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Field, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useQueryClient } from '@tanstack/react-query';
import type { SessionState } from '../../host/session';
import { PLAIN } from '../../i18n';
import { useSession } from '../../host/sessionContext';
import { Card } from '../../start/Card';

function ShellAccess({ role }: { role: SessionState['role'] }) {
  const what =
    role === 'editor'
      ? t('configuration.shell-editor', 'It hands on what reads and what changes.')
      : t('configuration.shell-viewer', 'It hands on what reads, nothing that changes.');
  return (
    <Card title={t('configuration.access', 'Access')}>
      <p>
        {t(
          'configuration.shell',
          'This server asks BeTrace in your name. The address and the token are in its settings, betrace.url and betrace.tokenFile.'
        )}{' '}
        {what}
      </p>
    </Card>
  );
}

function accessText(token: string, role: 'viewer' | 'editor', tenant: string): string {
  if (!token) {
    return t('configuration.no-token', 'No token is given. A service without --tokens needs none.');
  }
  const what =
    role === 'editor' ? t('configuration.editor', 'It may read and change.') : t('configuration.viewer', 'It may read, not change.');
  const who = tenant ? ` ${t('configuration.tenant', 'Tenant: {{tenant}}.', { ...PLAIN, tenant })}` : '';
  return `${t('configuration.token-given', 'A token is in use.')} ${what}${who}`;
}

const themes = (): Array<{ label: string; value: SessionState['theme'] }> => [
  { label: t('configuration.dark', 'Dark'), value: 'dark' },
  { label: t('configuration.light', 'Light'), value: 'light' },
];

const zones = (): Array<{ label: string; value: SessionState['timeZone'] }> => [
  { label: t('configuration.local', 'Local'), value: 'browser' },
  { label: t('configuration.utc', 'UTC'), value: 'utc' },
];

export function StandaloneSettings() {
  const styles = useStyles2(getStyles);
  const [{ theme, timeZone, token, role, tenant, shell }, session] = useSession();
  const client = useQueryClient();
  const forget = () => {
    session.set({ token: '', tenant: '', role: 'editor' });
    void client.resetQueries();
  };
  return (
    <>
      {shell ? (
        <ShellAccess role={role} />
      ) : (
        <Card title={t('configuration.access', 'Access')}>
          <p>{accessText(token, role, tenant)}</p>
          <p className={styles.note}>
            {t(
              'configuration.token-kept',
              'Tokens are made with “betrace token new”. One that you give is kept in this tab only, and sent to this service alone.'
            )}
          </p>
          <div className={styles.actions}>
            <Button variant="secondary" icon="key-skeleton-alt" onClick={() => session.set({ tokenWanted: true })}>
              {token ? t('configuration.change-token', 'Change the token') : t('configuration.give-token', 'Give a token')}
            </Button>
            {token && (
              <Button variant="secondary" icon="trash-alt" onClick={forget}>
                {t('configuration.forget-token', 'Forget the token')}
              </Button>
            )}
          </div>
        </Card>
      )}
      <Card title={t('configuration.looks', 'In this browser')}>
        <div className={styles.fields}>
          {!shell && (
            <Field label={t('configuration.theme', 'Theme')} noMargin>
              <RadioButtonGroup
                aria-label={t('configuration.theme', 'Theme')}
                value={theme}
                onChange={(value) => session.set({ theme: value })}
                options={themes()}
              />
            </Field>
          )}
          <Field label={t('configuration.zone', 'Times')} noMargin>
            <RadioButtonGroup
              aria-label={t('configuration.zone', 'Times')}
              value={timeZone}
              onChange={(value) => session.set({ timeZone: value })}
              options={zones()}
            />
          </Field>
        </div>
      </Card>
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  note: css({ color: theme.colors.text.secondary }),
  actions: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
  fields: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(2, 4) }),
});
