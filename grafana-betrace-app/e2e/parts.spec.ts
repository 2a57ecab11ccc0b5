// What only a real Grafana can show of answers that come in parts: Explore draws the first while the rest is looked for,
// and one data source is asked until all is there. A real betrace before a Tempo that keeps its older hours back.
import { expect, test } from '@grafana/plugin-e2e';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { addDataSource, exploreUrl, removeDataSource, type Service, support } from './realBetrace';

interface Tempo {
  url: string;
  release(): void;
  stop(): Promise<void>;
}

const UID = 'betrace-e2e-parts';
const NAME = 'BeTrace e2e parts';
const NEW = 3;
const OLD = 2;
const RULE = { id: 'slow', name: 'Slow', severity: 'high', dsl: 'trace.has(span.name == "slow.query")' };

test('Explore shows the newest violations while the rest is looked for', async ({ page }) => {
  const { slowTempo } = await support('slowTempo.mjs');
  const { serve } = await support('betrace.mjs');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-e2e-'));
  const tempo: Tempo = await slowTempo(NEW, OLD);
  let service: Service | undefined;
  try {
    service = (await serve(folder, '--tempo', tempo.url)) as Service;
    await service.post('/v1/rules', RULE);
    await addDataSource(page.request, UID, NAME, service.url);

    await page.goto(exploreUrl(UID, 'now-6h'));
    const rows = page.getByRole('row').filter({ hasText: RULE.name });
    await expect(rows).toHaveCount(NEW);
    await expect(page.getByRole('button', { name: 'Cancel' })).toBeVisible();
    tempo.release();
    await expect(rows).toHaveCount(NEW + OLD);
    await expect(page.getByRole('button', { name: /run query/i })).toBeVisible();
  } finally {
    await removeDataSource(page.request, UID);
    await Promise.all([tempo.stop(), service?.stop()]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
