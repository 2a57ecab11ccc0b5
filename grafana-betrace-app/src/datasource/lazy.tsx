// Editors are chunks of their own, and come with their texts: queries of dashboards load neither.
import { initPluginTranslations } from '@grafana/i18n';
import { lazy, Suspense, type ComponentType } from 'react';

const ID = 'betrace-datasource';
let translations: Promise<unknown> | undefined;

/** As those of the app (src/i18n.ts): in another language than English the texts of the code are shown. */
const initTranslations = () =>
  (translations ??= initPluginTranslations(ID, [async (language) => (language === 'en-US' ? import('./locales/en-US/betrace-datasource.json') : {})]));

export function lazyComponent<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>): ComponentType<Props> {
  const Loaded = lazy(async () => {
    const [component] = await Promise.all([load(), initTranslations()]);
    // the type parameter is lost in lazy()
    return component as { default: ComponentType<object> };
  });
  return function LazyComponent(props: Props) {
    return (
      <Suspense fallback={null}>
        <Loaded {...props} />
      </Suspense>
    );
  };
}
