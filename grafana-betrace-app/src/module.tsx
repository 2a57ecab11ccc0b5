// What Grafana loads first, on every page of Grafana (preload). So it holds next to nothing: the pages and the settings are chunks of their own.
import './publicPath';
import { AppPlugin, type AppRootProps, type PluginConfigPageProps, type AppPluginMeta } from '@grafana/data';
import { lazy, Suspense } from 'react';
import { LINKS } from './extensions/links';
import type { AppSettings } from './host/grafana';

const withTranslations =
  <T,>(load: () => Promise<T>) =>
  async () => {
    const [{ initTranslations }, loaded] = await Promise.all([import('./i18n'), load()]);
    await initTranslations();
    return loaded;
  };

const LazyApp = lazy(withTranslations(() => import('./GrafanaApp')));
const LazySettings = lazy(withTranslations(() => import('./pages/Configuration/AppConfig')));

const Root = (props: AppRootProps<AppSettings>) => (
  <Suspense fallback={null}>
    <LazyApp {...props} />
  </Suspense>
);

const Settings = (props: PluginConfigPageProps<AppPluginMeta<AppSettings>>) => (
  <Suspense fallback={null}>
    <LazySettings {...props} />
  </Suspense>
);

export const plugin = new AppPlugin<AppSettings>()
  .setRootPage(Root)
  .addConfigPage({ title: 'Configuration', icon: 'cog', body: Settings, id: 'configuration' });

LINKS.forEach((link) => plugin.addLink(link));
