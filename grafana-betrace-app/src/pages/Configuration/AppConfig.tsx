// The settings of the plugin, on Grafana's own page for them (Administration → Plugins → BeTrace). Where the service is, and the token for it.
import type { AppPluginMeta, PluginConfigPageProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { getBackendSrv } from '@grafana/runtime';
import { Alert, Button, Field, FieldSet, Input, SecretInput, Stack } from '@grafana/ui';
import { useState } from 'react';
import { lastValueFrom } from 'rxjs';
import { asApiError } from '../../api/problem';
import type { AppSettings } from '../../host/grafana';

/** Grafana puts both into the header Authorization of what it sends to the service. */
interface Change {
  apiUrl: string;
  tempoDatasourceUid: string;
  apiToken: string;
  keepToken: boolean;
}

async function save(meta: AppPluginMeta<AppSettings>, change: Change): Promise<void> {
  const { apiUrl, tempoDatasourceUid, apiToken, keepToken } = change;
  const data = {
    enabled: true,
    pinned: true,
    jsonData: { ...meta.jsonData, apiUrl: apiUrl.replace(/\/+$/, ''), tempoDatasourceUid },
    ...(keepToken ? {} : { secureJsonData: { apiToken } }),
  };
  await lastValueFrom(getBackendSrv().fetch({ url: `/api/plugins/${meta.id}/settings`, method: 'POST', data, showErrorAlert: false }));
}

function isAddress(text: string): boolean {
  return /^https?:\/\/[^/\s]+/.test(text);
}

export default function AppConfig({ plugin }: PluginConfigPageProps<AppPluginMeta<AppSettings>>) {
  const { meta } = plugin;
  const [change, setChange] = useState<Change>({
    apiUrl: meta.jsonData?.apiUrl ?? '',
    tempoDatasourceUid: meta.jsonData?.tempoDatasourceUid ?? '',
    apiToken: '',
    keepToken: Boolean(meta.secureJsonFields?.apiToken),
  });
  const [problem, setProblem] = useState('');
  const edit = (part: Partial<Change>) => setChange({ ...change, ...part });
  const badAddress = change.apiUrl !== '' && !isAddress(change.apiUrl);
  const submit = async () => {
    try {
      await save(meta, change);
      // Grafana reads plugin settings when a page loads
      window.location.reload();
    } catch (error) {
      setProblem(asApiError(error).message);
    }
  };
  return (
    <FieldSet label={t('config.service', 'The BeTrace service')}>
      <Stack direction="column" gap={2} alignItems="flex-start">
        {problem && <Alert title={t('config.not-saved', 'Not saved')}>{problem}</Alert>}
        <Field
          label={t('config.url', 'Address')}
          description={t('config.url-why', 'As this Grafana’s server reaches it, for example http://betrace:8080')}
          invalid={badAddress}
          error={t('config.url-bad', 'An address begins with http:// or https://')}
          noMargin
        >
          <Input id="betrace-url" width={60} value={change.apiUrl} onChange={(event) => edit({ apiUrl: event.currentTarget.value })} />
        </Field>
        <Field label={t('config.token', 'Token')} description={t('config.token-why', 'Where the service was started with --tokens')} noMargin>
          <SecretInput
            id="betrace-token"
            width={60}
            isConfigured={change.keepToken}
            value={change.apiToken}
            onReset={() => edit({ keepToken: false, apiToken: '' })}
            onChange={(event) => edit({ apiToken: event.currentTarget.value })}
          />
        </Field>
        <Field
          label={t('config.tempo', 'Tempo data source (uid)')}
          description={t('config.tempo-why', 'Which one links to Explore open; without: the first one')}
          noMargin
        >
          <Input id="betrace-tempo" width={60} value={change.tempoDatasourceUid} onChange={(event) => edit({ tempoDatasourceUid: event.currentTarget.value })} />
        </Field>
        <Button onClick={submit} disabled={badAddress || change.apiUrl === ''}>
          {t('config.save', 'Save')}
        </Button>
      </Stack>
    </FieldSet>
  );
}
