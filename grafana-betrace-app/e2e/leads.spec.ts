// What only a real Grafana can show of the ways that lead to a violation. Explore and the dashboards that come with the
// app draw what the data source asks for, and a row leads to its page. A real betrace serves a file of sample traces.
import { expect, test } from '@grafana/plugin-e2e';
import type { Page } from '@playwright/test';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { addDataSource, exploreUrl, removeDataSource, type Service, support } from './realBetrace';

const UID = 'betrace-e2e-leads';
const TRACES = 600;
const PLANTED = 20;
const RULE = {
  id: 'slow-db-no-retry',
  name: 'Every slow database query is tried again within the request',
  severity: 'critical',
  dsl: 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")',
};
const LOW = { id: 'slow', name: 'No request takes a second', severity: 'low', dsl: 'trace.has(span.duration > 1s)' };
const DASHBOARDS = [
  { uid: 'betrace-violations', panels: ['Violating traces', 'Since when', 'Violations, newest first'] },
  { uid: 'betrace-rule', panels: ['Violating traces', 'Traces that exercise it', 'Share of violating traces'] },
];

let folder: string;
let service: Service;

const colorOf = (page: Page, severity: string) =>
  page
    .getByRole('gridcell', { name: severity, exact: true })
    .first()
    .evaluate((cell) => getComputedStyle(cell.querySelector('*') ?? cell).color);

// Grafana draws a panel once it is in the window.
test.use({ viewport: { width: 1280, height: 1600 } });
test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  const { generate, serve } = await support('betrace.mjs');
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-e2e-'));
  service = (await serve(folder, '--traces', generate(path.join(folder, 'traces.otlp'), TRACES, PLANTED))) as Service;
  await service.post('/v1/rules', RULE);
  await service.post('/v1/rules', LOW);
});

test.afterAll(async () => {
  await service?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

test.beforeEach(({ page }) => addDataSource(page.request, UID, 'BeTrace e2e leads', service.url));
test.afterEach(({ page }) => removeDataSource(page.request, UID));

test('Explore draws widths and colours, and a row names the page of its violation', async ({ page }) => {
  await page.goto(exploreUrl(UID, 'now-1d'));
  await expect(page.getByRole('gridcell', { name: 'critical', exact: true }).first()).toBeVisible();
  const widths = await page
    .getByRole('columnheader')
    .evaluateAll((all) => all.slice(0, 3).map((head) => [head.textContent, Math.round(head.getBoundingClientRect().width)]));
  expect(widths).toEqual([['Time', 190], ['Rule', 240], ['Severity', 100]]);
  expect(await colorOf(page, 'critical')).not.toBe(await colorOf(page, 'low'));
  const link = page.getByRole('gridcell').getByRole('link', { name: /no span named "retry"/ }).first();
  await expect(link).toHaveAttribute('href', new RegExp(`/a/betrace-app/violations/${RULE.id}/[0-9a-f]{32}`));
});

for (const { uid, panels } of DASHBOARDS) {
  test(`the dashboard ${uid} comes with the app and draws numbers`, async ({ page }) => {
    await page.goto(`/d/${uid}?from=now-1d&to=now-3m&var-datasource=${UID}&var-rule=${RULE.id}`);
    for (const title of panels) {
      await expect(page.getByRole('heading', { name: title, exact: true })).toBeVisible();
    }
    await expect(page.getByText(String(PLANTED), { exact: true }).first()).toBeVisible();
  });
}
