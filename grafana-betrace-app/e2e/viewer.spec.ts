// What a viewer may, by Grafana's own permissions: a project of its own, since a user can only be chosen for a whole file.
import { expect, test } from '@grafana/plugin-e2e';
import { VIEWER } from './users';

test.use({ user: VIEWER });

test('a write is refused by the proxy, a read is not', async ({ page }) => {
  const write = await page.request.post('/api/plugin-proxy/betrace-app/v1/rules', { data: {} });
  expect(write.status()).toBe(403);
  expect((await page.request.get('/api/plugin-proxy/betrace-app/v1/rules')).status()).toBe(200);
});

test('pages open, and offer no settings', async ({ gotoAppPage, page }) => {
  await gotoAppPage({ pluginId: 'betrace-app', path: 'rules' });
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Rules');
  await expect(page.getByRole('link', { name: 'Open the settings' })).toHaveCount(0);
});
