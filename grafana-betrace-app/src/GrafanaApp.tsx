// The app as Grafana mounts it: the plugin's settings make the host.
import type { AppRootProps } from '@grafana/data';
import { useMemo } from 'react';
import { App } from './App';
import { createGrafanaHost, type AppSettings } from './host/grafana';

export default function GrafanaApp({ meta }: AppRootProps<AppSettings>) {
  const { jsonData } = meta;
  const host = useMemo(() => createGrafanaHost(jsonData ?? {}), [jsonData]);
  return <App host={host} />;
}
