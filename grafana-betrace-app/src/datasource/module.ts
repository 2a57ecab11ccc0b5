// What Grafana loads as the data source plugin. Editors are chunks of their own.
import '../publicPath';
import { DataSourcePlugin } from '@grafana/data';
import { BetraceDataSource } from './datasource';
import { lazyComponent } from './lazy';
import type { BetraceOptions, BetraceQuery, BetraceSecureOptions } from './types';

export const plugin = new DataSourcePlugin<BetraceDataSource, BetraceQuery, BetraceOptions, BetraceSecureOptions>(BetraceDataSource)
  .setConfigEditor(lazyComponent(() => import('./components/ConfigEditor')))
  .setQueryEditor(lazyComponent(() => import('./components/QueryEditor')));
