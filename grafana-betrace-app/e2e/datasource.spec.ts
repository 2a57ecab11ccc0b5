// What only a real Grafana can show of the data source. That it is loaded next to the app, that its health check and
// queries go through Grafana's own plugin host, and that Explore draws what comes back.
import { expect, test } from '@grafana/plugin-e2e';

const UID = process.env.BETRACE_DATASOURCE_UID ?? 'betrace';

test('the health check of the provisioned data source is fine', async ({ page }) => {
  const answer = await page.request.get(`/api/datasources/uid/${UID}/health`);
  expect(answer.status()).toBe(200);
  expect((await answer.json()).status).toBe('OK');
});

test('counts come back as series with a number in each settled step', async ({ page }) => {
  const answer = await page.request.post('/api/ds/query', {
    data: {
      from: 'now-1h',
      to: 'now-5m',
      queries: [{ refId: 'A', queryType: 'count', datasource: { uid: UID, type: 'betrace-datasource' }, intervalMs: 60_000, maxDataPoints: 100 }],
    },
  });
  expect(answer.status()).toBe(200);
  const { results } = await answer.json();
  expect(results.A.error).toBeUndefined();
  for (const frame of results.A.frames) {
    expect(frame.schema.fields.map((field: { type: string }) => field.type)).toEqual(['time', 'number']);
  }
});

test('Explore shows the query editor of the data source', async ({ explorePage, page }) => {
  await explorePage.goto();
  await explorePage.datasource.set('BeTrace');
  await expect(page.getByRole('button', { name: /run query/i })).toBeVisible();
});
