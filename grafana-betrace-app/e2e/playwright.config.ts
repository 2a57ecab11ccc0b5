// For those who have a Grafana with the app installed and both plugins provisioned (uid `betrace` for the data source), whose admin is admin/admin or
// what GRAFANA_ADMIN_USER and GRAFANA_ADMIN_PASSWORD say: `GRAFANA_URL=http://localhost:3000 make check-full SUITES=full:grafana` in the root.
// Uses the Chromium that CHROMIUM_BIN names, else Playwright's own.
import { defineConfig, devices } from '@playwright/test';
import type { PluginOptions } from '@grafana/plugin-e2e';
import { createRequire } from 'node:module';
import path from 'node:path';
import { VIEWER } from './users';

const authProject = path.join(path.dirname(createRequire(__filename).resolve('@grafana/plugin-e2e')), 'auth');
const chrome = devices['Desktop Chrome'];
/** Where the project `auth…` leaves what a user logged in with. */
const loggedIn = (name: string) => path.join(process.cwd(), 'playwright', '.auth', `${name}.json`);
const admin = process.env.GRAFANA_ADMIN_USER ?? 'admin';
const adminPassword = process.env.GRAFANA_ADMIN_PASSWORD ?? 'admin';
const executablePath = process.env.CHROMIUM_BIN;

export default defineConfig<PluginOptions>({
  testDir: '.',
  fullyParallel: true,
  retries: 0,
  // a Grafana on two busy cores takes more than Playwright's 30 s and 5 s for its first page
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    baseURL: process.env.GRAFANA_URL ?? 'http://localhost:3000',
    user: { user: admin, password: adminPassword },
    grafanaAPICredentials: { user: admin, password: adminPassword },
    trace: 'retain-on-failure',
    launchOptions: executablePath ? { executablePath } : {},
  },
  projects: [
    { name: 'auth', testDir: authProject, testMatch: [/.*\.js/] },
    { name: 'auth-viewer', testDir: authProject, testMatch: [/.*\.js/], use: { user: VIEWER }, dependencies: ['auth'] },
    { name: 'admin', testIgnore: 'viewer.spec.ts', use: { ...chrome, storageState: loggedIn(admin) }, dependencies: ['auth'] },
    { name: 'viewer', testMatch: 'viewer.spec.ts', use: { ...chrome, storageState: loggedIn(VIEWER.user) }, dependencies: ['auth-viewer'] },
  ],
});
