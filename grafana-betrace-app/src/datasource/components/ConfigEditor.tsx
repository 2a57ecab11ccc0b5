// The settings of one data source: where BeTrace is, what it asks for, and which Tempo trace ids link to.
import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { t } from '@grafana/i18n';
import { DataSourcePicker } from '@grafana/runtime';
import { Field, FieldSet, Input, SecretInput, SecretTextArea, Switch } from '@grafana/ui';
import type { BetraceOptions, BetraceSecureOptions } from '../types';

type Props = DataSourcePluginOptionsEditorProps<BetraceOptions, BetraceSecureOptions>;

const WIDTH = 60;
const DEFAULT_SECONDS = '30';
const PEM = '-----BEGIN CERTIFICATE-----';
const isAddress = (text: string) => /^https?:\/\/[^/\s]+/.test(text);

function useEdits({ options, onOptionsChange }: Props) {
  return {
    data: (part: Partial<BetraceOptions>) => onOptionsChange({ ...options, jsonData: { ...options.jsonData, ...part } }),
    secret: (part: BetraceSecureOptions) => onOptionsChange({ ...options, secureJsonData: { ...options.secureJsonData, ...part } }),
    forget: (key: keyof BetraceSecureOptions) =>
      onOptionsChange({ ...options, secureJsonFields: { ...options.secureJsonFields, [key]: false }, secureJsonData: { ...options.secureJsonData, [key]: '' } }),
  };
}

function Service(props: Props) {
  const { options, onOptionsChange } = props;
  const { data, secret, forget } = useEdits(props);
  const isBad = options.url !== '' && !isAddress(options.url);
  return (
    <FieldSet label={t('config.service', 'The BeTrace service')}>
      <Field
        label={t('config.url', 'URL')}
        description={t('config.url-why', 'As this Grafana’s server reaches it, for example http://betrace:8080')}
        invalid={isBad}
        error={t('config.url-bad', 'A URL begins with http:// or https://')}
      >
        <Input id="betrace-ds-url" width={WIDTH} value={options.url} onChange={(event) => onOptionsChange({ ...options, url: event.currentTarget.value.trim() })} />
      </Field>
      <Field label={t('config.token', 'Token')} description={t('config.token-why', 'Of role viewer, where the service was started with --tokens')}>
        <SecretInput
          id="betrace-ds-token"
          width={WIDTH}
          isConfigured={Boolean(options.secureJsonFields?.apiToken)}
          value={options.secureJsonData?.apiToken ?? ''}
          onReset={() => forget('apiToken')}
          onChange={(event) => secret({ apiToken: event.currentTarget.value })}
        />
      </Field>
      <Field label={t('config.tenant', 'Tenant')} description={t('config.tenant-why', 'Sent as X-Scope-OrgID; empty where there is one tenant only')}>
        <Input id="betrace-ds-tenant" width={WIDTH} value={options.jsonData.tenant ?? ''} onChange={(event) => data({ tenant: event.currentTarget.value || undefined })} />
      </Field>
      <Field label={t('config.timeout', 'Timeout in seconds')} description={t('config.timeout-why', 'Of one call; BeTrace answers what is certain before it is over')}>
        <Input
          id="betrace-ds-timeout"
          type="number"
          min={2}
          width={WIDTH}
          placeholder={DEFAULT_SECONDS}
          value={options.jsonData.timeout ?? ''}
          onChange={(event) => data({ timeout: event.currentTarget.value === '' ? undefined : Number(event.currentTarget.value) })}
        />
      </Field>
      <Field label={t('config.ca', 'Certificates of an authority of your own')} htmlFor="betrace-ds-ca-on">
        <Switch id="betrace-ds-ca-on" value={Boolean(options.jsonData.tlsAuthWithCACert)} onChange={(event) => data({ tlsAuthWithCACert: event.currentTarget.checked })} />
      </Field>
      {options.jsonData.tlsAuthWithCACert && (
        <Field label={t('config.ca-text', 'Certificates (PEM)')} htmlFor="betrace-ds-ca">
          <SecretTextArea
            id="betrace-ds-ca"
            rows={6}
            cols={WIDTH}
            placeholder={PEM}
            isConfigured={Boolean(options.secureJsonFields?.tlsCACert)}
            value={options.secureJsonData?.tlsCACert ?? ''}
            onReset={() => forget('tlsCACert')}
            onChange={(event) => secret({ tlsCACert: event.currentTarget.value })}
          />
        </Field>
      )}
    </FieldSet>
  );
}

export default function ConfigEditor(props: Props) {
  const { options } = props;
  const { data } = useEdits(props);
  return (
    <>
      <Service {...props} />
      <FieldSet label={t('config.links', 'Links to traces')}>
        <Field
          label={t('config.tempo', 'Tempo data source')}
          description={t('config.tempo-why', 'Trace ids in tables open there; none: they are no links')}
          htmlFor="betrace-ds-tempo"
        >
          <DataSourcePicker
            inputId="betrace-ds-tempo"
            type="tempo"
            noDefault
            width={WIDTH}
            current={options.jsonData.tempoDatasourceUid ?? null}
            onChange={(chosen) => data({ tempoDatasourceUid: chosen.uid, tempoDatasourceName: chosen.name })}
            onClear={() => data({ tempoDatasourceUid: undefined, tempoDatasourceName: undefined })}
          />
        </Field>
      </FieldSet>
    </>
  );
}
