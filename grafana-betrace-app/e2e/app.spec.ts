// What only a real Grafana can show of the app: that it loads both plugins, that its navigation and permissions let one in, and that its proxy
// reaches the service.
import { expect, test } from '@grafana/plugin-e2e';

const PLUGIN = { pluginId: 'betrace-app' };

const PAGES = [
  { path: '', title: 'BeTrace' },
  { path: 'rules', title: 'Rules' },
  { path: 'violations', title: 'Violations' },
  { path: 'replay', title: 'Replay' },
];

for (const { path, title } of PAGES) {
  test(`the page ${title} opens by its address`, async ({ gotoAppPage, page }) => {
    await gotoAppPage({ ...PLUGIN, path });
    await expect(page.getByRole('heading', { level: 1 })).toContainText(title);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
}

test('the proxy reaches the service with what the settings say', async ({ page }) => {
  const answer = await page.request.get('/api/plugin-proxy/betrace-app/v1/health');
  expect(answer.status()).toBe(200);
  expect((await answer.json()).status).toBe('HEALTHY');
});

test('the settings say whether the service answers', async ({ gotoAppConfigPage, page }) => {
  await gotoAppConfigPage(PLUGIN);
  await expect(page.getByRole('textbox').first()).toBeVisible();
});
