// For those who have a Grafana with the app installed and both plugins provisioned (uid `betrace` for the data source): nothing here was run by the
// project's own check, which has no Grafana. `GRAFANA_URL=http://localhost:3000 npx playwright test -c e2e`. Uses the Chromium that
// CHROMIUM_BIN names, else Playwright's own.
import { defineConfig, devices } from '@playwright/test';
import type { PluginOptions } from '@grafana/plugin-e2e';
import { createRequire } from 'node:module';
import path from 'node:path';

const authProject = path.join(path.dirname(createRequire(__filename).resolve('@grafana/plugin-e2e')), 'auth');
const executablePath = process.env.CHROMIUM_BIN;

export default defineConfig<PluginOptions>({
  testDir: '.',
  fullyParallel: true,
  retries: 0,
  reporter: 'list',
  use: {
    baseURL: process.env.GRAFANA_URL ?? 'http://localhost:3000',
    trace: 'retain-on-failure',
    launchOptions: executablePath ? { executablePath } : {},
  },
  projects: [
    { name: 'auth', testDir: authProject, testMatch: [/.*\.js/] },
    { name: 'chromium', use: { ...devices['Desktop Chrome'], storageState: 'playwright/.auth/admin.json' }, dependencies: ['auth'] },
  ],
});
