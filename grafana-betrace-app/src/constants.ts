// Names that plugin.json says too.
export const PLUGIN_ID = 'betrace-app';
export const DATASOURCE_ID = 'betrace-datasource';
/** Where Grafana shows the pages of this app. */
export const PLUGIN_PREFIX = `/a/${PLUGIN_ID}`;
