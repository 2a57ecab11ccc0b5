// What only a real Grafana can show of answers that come in parts: Explore draws the first while the rest is looked for,
// and one data source is asked until all is there. A real betrace before a Tempo that keeps its older hours back; the
// programs are those of tests/app/support, which start them and end them by pid.
import { expect, test } from '@grafana/plugin-e2e';
import type { APIRequestContext } from '@playwright/test';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

interface Tempo {
  url: string;
  release(): void;
  stop(): Promise<void>;
}

interface Service {
  url: string;
  post(path: string, body: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

const SUPPORT = path.resolve(__dirname, '../../tests/app/support');
const UID = 'betrace-e2e-parts';
const NAME = 'BeTrace e2e parts';
const NEW = 3;
const OLD = 2;
const RULE = { id: 'slow', name: 'Slow', severity: 'high', dsl: 'trace.has(span.name == "slow.query")' };

async function removeDataSource(request: APIRequestContext) {
  await request.delete(`/api/datasources/uid/${UID}`);
}

/** The address of Explore with one query for violations of the last six hours. */
function exploreUrl(): string {
  const query = { refId: 'A', queryType: 'violations', datasource: { uid: UID, type: 'betrace-datasource' } };
  const pane = { datasource: UID, queries: [query], range: { from: 'now-6h', to: 'now' } };
  return `/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`;
}

test('Explore shows the newest violations while the rest is looked for', async ({ page }) => {
  const { slowTempo } = await import(path.join(SUPPORT, 'slowTempo.mjs'));
  const { serve } = await import(path.join(SUPPORT, 'betrace.mjs'));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-e2e-'));
  const tempo: Tempo = await slowTempo(NEW, OLD);
  let service: Service | undefined;
  try {
    service = (await serve(folder, '--tempo', tempo.url)) as Service;
    await service.post('/v1/rules', RULE);
    await removeDataSource(page.request);
    const source = { uid: UID, name: NAME, type: 'betrace-datasource', access: 'proxy', url: service.url };
    const made = await page.request.post('/api/datasources', { data: source });
    expect(made.ok(), await made.text()).toBe(true);

    await page.goto(exploreUrl());
    const rows = page.getByRole('row').filter({ hasText: RULE.name });
    await expect(rows).toHaveCount(NEW);
    await expect(page.getByRole('button', { name: 'Cancel' })).toBeVisible();
    tempo.release();
    await expect(rows).toHaveCount(NEW + OLD);
    await expect(page.getByRole('button', { name: /run query/i })).toBeVisible();
  } finally {
    await removeDataSource(page.request);
    await Promise.all([tempo.stop(), service?.stop()]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
