// Users that the specs make in the Grafana that they are given.
import type { PluginOptions } from '@grafana/plugin-e2e';

export const VIEWER = { user: 'betrace-viewer', password: 'betrace-viewer', role: 'Viewer' } satisfies PluginOptions['user'];
