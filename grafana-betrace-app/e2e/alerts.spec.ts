// What only a real alerting engine can show of a rule with the range that Grafana gives every new one. It fires, goes on
// firing while BeTrace is away, and resolves when BeTrace is back and finds nothing. Grafana's server has to reach this
// machine (standInBetrace.ts).
import { expect, test } from '@grafana/plugin-e2e';
import type { APIRequestContext, Page } from '@playwright/test';
import { RULE, StandInBetrace } from './standInBetrace';

const UID = 'betrace-e2e';
const GROUP = `/api/v1/provisioning/folder/${UID}/rule-groups/${UID}`;
const EVALUATION_S = 10; // the shortest that Grafana takes
/** Grafana drops a missing series after two evaluations, unless the rule says otherwise. */
const LONGER_THAN_TWO_MS = 4 * EVALUATION_S * 1000;
const patience = { timeout: 120_000, intervals: [1000] };

/** As the editor makes them, but for missingSeriesEvalsToResolve, which the guide asks for. */
const alertRule = {
  uid: UID,
  orgID: 1,
  folderUID: UID,
  ruleGroup: UID,
  title: 'BeTrace e2e',
  condition: 'C',
  noDataState: 'NoData',
  execErrState: 'Error',
  for: '0s',
  missingSeriesEvalsToResolve: 60,
  data: [
    {
      refId: 'A',
      queryType: 'count',
      datasourceUid: UID,
      relativeTimeRange: { from: 600, to: 0 },
      model: { refId: 'A', queryType: 'count' },
    },
    {
      refId: 'C',
      datasourceUid: '__expr__',
      relativeTimeRange: { from: 0, to: 0 },
      model: { refId: 'C', type: 'threshold', expression: 'A', conditions: [{ evaluator: { type: 'gt', params: [0] } }] },
    },
  ],
};

async function expectOk(what: string, answer: Awaited<ReturnType<APIRequestContext['get']>>) {
  expect(answer.ok(), `${what}: ${answer.status()} ${await answer.text()}`).toBe(true);
}

async function remove(request: APIRequestContext) {
  for (const at of [GROUP, `/api/datasources/uid/${UID}`, `/api/folders/${UID}?forceDeleteRules=true`]) {
    await request.delete(at);
  }
}

/** The states of the alert's instances of our rule; of all instances without one. */
async function states(request: APIRequestContext, ruleId?: string): Promise<string[]> {
  const answer = await request.get('/api/prometheus/grafana/api/v1/rules');
  const { data } = await answer.json();
  return data.groups
    .filter((group: { name: string }) => group.name === UID)
    .flatMap((group: { rules: Array<{ alerts?: unknown[] }> }) => group.rules.flatMap((rule) => rule.alerts ?? []))
    .filter((alert: { labels: Record<string, string> }) => !ruleId || alert.labels.rule_id === ruleId)
    .map((alert: { state: string }) => alert.state);
}

const firing = async (request: APIRequestContext) => (await states(request, RULE.id)).some((state) => state.startsWith('Alerting'));

/** Each instance of the alert has an action that opens the violations of its rule. */
async function expectLink(page: Page) {
  await page.goto(`/alerting/grafana/${UID}/view?tab=instances`);
  await page.getByRole('button', { name: 'Actions' }).first().click();
  await page.getByRole('menuitem', { name: 'Violations in BeTrace' }).click();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.waitForURL(new RegExp(`/a/betrace-app/violations\\?rule=${RULE.id}&from=`));
}

test('an alert fires, goes on firing while BeTrace is away, and resolves when it is back', async ({ page }) => {
  test.setTimeout(600_000);
  const { request } = page;
  const betrace = new StandInBetrace();
  betrace.violations = 3;
  const url = await betrace.start();
  try {
    await remove(request);
    await expectOk('folder', await request.post('/api/folders', { data: { uid: UID, title: 'BeTrace e2e' } }));
    const source = { uid: UID, name: 'BeTrace e2e', type: 'betrace-datasource', access: 'proxy', url };
    await expectOk('data source', await request.post('/api/datasources', { data: source }));
    const group = { title: UID, folderUid: UID, interval: EVALUATION_S, rules: [alertRule] };
    await expectOk('alert rule', await request.put(GROUP, { data: group }));

    await expect.poll(() => firing(request), { message: 'it fires', ...patience }).toBe(true);
    const { end } = betrace.asked.at(-1)!;
    expect(Date.now() - Date.parse(end), 'the range that ends now was moved back to what is settled').toBeGreaterThan(120_000);
    await expectLink(page);

    betrace.isAway = true;
    await expect
      .poll(async () => (await states(request)).some((state) => /Error/.test(state)), { message: 'Grafana notices', ...patience })
      .toBe(true);
    const until = Date.now() + LONGER_THAN_TWO_MS;
    while (Date.now() < until) {
      expect(await firing(request), 'it goes on firing while nobody looks').toBe(true);
      await new Promise((done) => setTimeout(done, 2000));
    }

    betrace.violations = 0;
    betrace.isAway = false;
    await expect.poll(() => firing(request), { message: 'it resolves', ...patience }).toBe(false);
  } finally {
    await remove(request);
    await betrace.stop();
  }
});
