// Grafana's server has no address of the service, or does not reach it there. One message for all of a page, with the way to the settings for who may.
import { t } from '@grafana/i18n';
import { Alert, Button, LinkButton, Stack } from '@grafana/ui';
import { EmptyState } from './EmptyState';
import { asApiError } from '../api/problem';
import type { Connection, Host } from '../host/types';

/** The proxy answered, not the service: that one sends problem documents, which have a type. */
export function isUnreachable(error: unknown, host: Host): boolean {
  if (!error || !host.connection()) {
    return false;
  }
  const { status, type } = asApiError(error);
  return type === '' && (status === 502 || status === 504);
}

function Settings({ connection: { settingsUrl } }: { connection: Connection }) {
  if (settingsUrl === null) {
    return <span>{t('unreachable.ask', 'An administrator of this Grafana can change the address.')}</span>;
  }
  return (
    <LinkButton href={settingsUrl} icon="cog">
      {t('unreachable.settings', 'Open the settings')}
    </LinkButton>
  );
}

export function Unreachable({ connection, onRetry }: { connection: Connection; onRetry?: () => void }) {
  return (
    <Alert
      severity="error"
      data-state="failed"
      title={t('unreachable.title', 'Grafana’s server does not reach BeTrace at {{url}}', { url: connection.url, interpolation: { escapeValue: false } })}
    >
      <p>
        {t(
          'unreachable.text',
          'Nothing is known of rules and violations while that is so. Does the service run, and is that its address as Grafana’s server, not your browser, reaches it?'
        )}
      </p>
      <Stack gap={1} alignItems="center">
        {onRetry && (
          <Button variant="secondary" icon="sync" onClick={onRetry}>
            {t('error.retry', 'Try again')}
          </Button>
        )}
        <Settings connection={connection} />
      </Stack>
    </Alert>
  );
}

/** First use: nobody has said where the service is, so nothing is asked. */
export function NoAddress({ connection }: { connection: Connection }) {
  return (
    <EmptyState
      title={t('unreachable.none', 'Where is BeTrace?')}
      icon="plug"
      action={<Settings connection={connection} />}
    >
      {t('unreachable.none-text', 'This app needs the address of a running `betrace serve`, as Grafana’s server reaches it. None is set yet.')}
    </EmptyState>
  );
}
