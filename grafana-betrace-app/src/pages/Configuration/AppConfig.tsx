// The settings of the plugin, on Grafana's own page for them (Administration → Plugins and data → Plugins → BeTrace). Where the service is, and the token for it.
import type { AppPluginMeta, PluginConfigPageProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { config, getBackendSrv } from '@grafana/runtime';
import { Alert, Button, Combobox, Field, FieldSet, Input, SecretInput, Stack } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { lastValueFrom } from 'rxjs';
import { asApiError } from '../../api/problem';
import type { AppSettings } from '../../host/grafana';

/** Grafana puts the token and the tenant into headers of what it sends to the service, in the place of a browser's. */
interface Change {
  apiUrl: string;
  tenant: string;
  tempoDatasourceUid: string;
  apiToken: string;
  keepToken: boolean;
}

async function save(meta: AppPluginMeta<AppSettings>, change: Change): Promise<void> {
  const { apiUrl, tenant, tempoDatasourceUid, apiToken, keepToken } = change;
  const data = {
    enabled: true,
    pinned: true,
    jsonData: { ...meta.jsonData, apiUrl: apiUrl.replace(/\/+$/, ''), tenant: tenant.trim(), tempoDatasourceUid },
    ...(keepToken ? {} : { secureJsonData: { apiToken } }),
  };
  await lastValueFrom(getBackendSrv().fetch({ url: `/api/plugins/${meta.id}/settings`, method: 'POST', data, showErrorAlert: false }));
}

/** Tells the page that is loaded after a save, which Grafana needs to read the settings again. */
const SAVED = 'betrace-app.saved';

function takeSaved(): boolean {
  const isSaved = window.sessionStorage.getItem(SAVED) !== null;
  window.sessionStorage.removeItem(SAVED);
  return isSaved;
}

/** What the service says through Grafana's proxy, with the settings as they are stored. */
async function askService(pluginId: string): Promise<string> {
  const url = `/api/plugin-proxy/${pluginId}/v1/health`;
  const answer = await lastValueFrom(getBackendSrv().fetch<{ version?: string }>({ url, method: 'GET', showErrorAlert: false }));
  if (typeof answer.data?.version !== 'string') {
    throw new Error(t('config.not-betrace', 'Something answers there, but it is not BeTrace.'));
  }
  return answer.data.version;
}

type Tested = { state: 'asking' } | { state: 'answers'; version: string } | { state: 'failed'; detail: string };

function failure(error: unknown): string {
  const { data, message } = (error ?? {}) as { data?: { detail?: string; message?: string }; message?: string };
  return data?.detail ?? data?.message ?? message ?? '';
}

/** Asks once, when the settings are shown: they are shown anew after each save. */
function Connection({ pluginId, url }: { pluginId: string; url: string }) {
  const [tested, setTested] = useState<Tested>({ state: 'asking' });
  useEffect(() => {
    let isShown = true;
    askService(pluginId).then(
      (version) => isShown && setTested({ state: 'answers', version }),
      (error: unknown) => isShown && setTested({ state: 'failed', detail: failure(error) })
    );
    return () => {
      isShown = false;
    };
  }, [pluginId]);
  const plain = { interpolation: { escapeValue: false } };
  switch (tested.state) {
    case 'asking':
      return <p>{t('config.testing', 'Asking {{url}} …', { url, ...plain })}</p>;
    case 'answers':
      return <Alert severity="success" title={t('config.answers', 'BeTrace {{version}} answers at {{url}}', { version: tested.version, url, ...plain })} />;
    case 'failed':
      return (
        <Alert severity="error" title={t('config.fails', 'Grafana’s server gets no answer of BeTrace at {{url}}', { url, ...plain })}>
          {tested.detail}
        </Alert>
      );
  }
}

/** Those of this Grafana, and the stored one although it is not there any more. */
function tempoOptions(stored: string) {
  const sources = Object.values(config.datasources).filter(({ type }) => type === 'tempo');
  const options = sources.map(({ uid, name }) => ({ value: uid, label: name }));
  return stored === '' || options.some(({ value }) => value === stored) ? options : [...options, { value: stored, label: stored }];
}

function isAddress(text: string): boolean {
  return /^https?:\/\/[^/\s]+/.test(text);
}

export default function AppConfig({ plugin }: PluginConfigPageProps<AppPluginMeta<AppSettings>>) {
  const { meta } = plugin;
  const [change, setChange] = useState<Change>({
    apiUrl: meta.jsonData?.apiUrl ?? '',
    tenant: meta.jsonData?.tenant ?? '',
    tempoDatasourceUid: meta.jsonData?.tempoDatasourceUid ?? '',
    apiToken: '',
    keepToken: Boolean(meta.secureJsonFields?.apiToken),
  });
  const [problem, setProblem] = useState('');
  const [isSaved] = useState(takeSaved);
  const edit = (part: Partial<Change>) => setChange({ ...change, ...part });
  const badAddress = change.apiUrl !== '' && !isAddress(change.apiUrl);
  const submit = async () => {
    try {
      await save(meta, change);
      window.sessionStorage.setItem(SAVED, 'yes');
      // Grafana reads plugin settings when a page loads
      window.location.reload();
    } catch (error) {
      setProblem(asApiError(error).message);
    }
  };
  return (
    <FieldSet label={t('config.service', 'The BeTrace service')}>
      <Stack direction="column" gap={2} alignItems="flex-start">
        {isSaved && <Alert severity="success" title={t('config.saved', 'Saved')} />}
        {meta.jsonData?.apiUrl && <Connection pluginId={meta.id} url={meta.jsonData.apiUrl} />}
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
          label={t('config.tenant', 'Tenant')}
          description={t('config.tenant-why', 'Sent as X-Scope-OrgID for everybody; empty where the token has one tenant, or the service none')}
          noMargin
        >
          <Input id="betrace-tenant" width={60} value={change.tenant} onChange={(event) => edit({ tenant: event.currentTarget.value })} />
        </Field>
        <Field
          label={t('config.tempo', 'Tempo data source')}
          description={t('config.tempo-why', 'Which one links to Explore open; without: the first one')}
          noMargin
        >
          <Combobox
            id="betrace-tempo"
            width={60}
            isClearable
            placeholder={t('config.tempo-first', 'The first one')}
            options={tempoOptions(change.tempoDatasourceUid)}
            value={change.tempoDatasourceUid || null}
            onChange={(option) => edit({ tempoDatasourceUid: option?.value ?? '' })}
          />
        </Field>
        <Button onClick={submit} disabled={badAddress || change.apiUrl === ''}>
          {t('config.save', 'Save')}
        </Button>
      </Stack>
    </FieldSet>
  );
}
