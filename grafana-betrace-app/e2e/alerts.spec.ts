// What only a real alerting engine can show of a rule with the range that Grafana gives every new one, and with the states
// of those that are shipped (distribution/grafana). It fires, goes on firing while BeTrace is away, or has no numbers because
// Tempo does not answer or no traces come, and resolves when BeTrace is back and finds nothing. Meanwhile a second rule says
// that nobody looks. Grafana's server has to reach this machine (standInBetrace.ts). The files themselves are held by
// tests/app/full_alerts_grafana.py.
import { expect, test } from '@grafana/plugin-e2e';
import type { APIRequestContext, Page } from '@playwright/test';
import { RULE, StandInBetrace } from './standInBetrace';

const UID = 'betrace-e2e';
const GROUP = `/api/v1/provisioning/folder/${UID}/rule-groups/${UID}`;
const EVALUATION_S = 10; // the shortest that Grafana takes
/** Grafana drops a missing series after two evaluations, unless the rule says otherwise. */
const LONGER_THAN_TWO_MS = 4 * EVALUATION_S * 1000;
const patience = { timeout: 120_000, intervals: [1000] };

const alertOf = (uid: string, evaluator: { type: 'gt' | 'lt'; params: number[] }, states: object) => ({
  uid,
  orgID: 1,
  folderUID: UID,
  ruleGroup: UID,
  title: uid,
  condition: 'C',
  for: '0s',
  ...states,
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
      model: { refId: 'C', type: 'threshold', expression: 'A', conditions: [{ evaluator }] },
    },
  ],
});
/** As the editor makes them, but for what the guide asks for. */
const violated = alertOf(
  UID,
  { type: 'gt', params: [0] },
  { noDataState: 'KeepLast', execErrState: 'KeepLast', missingSeriesEvalsToResolve: 60 }
);
/** A number is never below 0: it is about those that are not there. */
const cannotLook = alertOf(`${UID}-cannot-look`, { type: 'lt', params: [0] }, { noDataState: 'Alerting', execErrState: 'Alerting' });

async function expectOk(what: string, answer: Awaited<ReturnType<APIRequestContext['get']>>) {
  expect(answer.ok(), `${what}: ${answer.status()} ${await answer.text()}`).toBe(true);
}

async function remove(request: APIRequestContext) {
  for (const at of [GROUP, `/api/datasources/uid/${UID}`, `/api/folders/${UID}?forceDeleteRules=true`]) {
    await request.delete(at);
  }
}

/** The states of the instances of one of the two. */
async function states(request: APIRequestContext, uid: string): Promise<string[]> {
  const answer = await request.get('/api/prometheus/grafana/api/v1/rules');
  const { data } = await answer.json();
  return data.groups
    .filter((group: { name: string }) => group.name === UID)
    .flatMap((group: { rules: Array<{ name: string; alerts?: unknown[] }> }) =>
      group.rules.filter((rule) => rule.name === uid).flatMap((rule) => rule.alerts ?? [])
    )
    .map((alert: { state: string }) => alert.state);
}

const firing = async (request: APIRequestContext, uid: string) => (await states(request, uid)).some((state) => state.startsWith('Alerting'));

/** What was there before it fires on, and that nobody looks is said, for longer than Grafana keeps a series that is missing. */
async function expectHeld(request: APIRequestContext) {
  await expect.poll(() => firing(request, cannotLook.uid), { message: 'it is said that nobody looks', ...patience }).toBe(true);
  const until = Date.now() + LONGER_THAN_TWO_MS;
  while (Date.now() < until) {
    expect(await firing(request, violated.uid), 'it goes on firing while nobody looks').toBe(true);
    await new Promise((done) => setTimeout(done, 2000));
  }
}

/** Each instance of the alert has an action that opens the violations of its rule. */
async function expectLink(page: Page) {
  await page.goto(`/alerting/grafana/${UID}/view?tab=instances`);
  await page.getByRole('button', { name: 'Actions' }).first().click();
  await page.getByRole('menuitem', { name: 'Violations in BeTrace' }).click();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.waitForURL(new RegExp(`/a/betrace-app/violations\\?rule=${RULE.id}&from=`));
}

test('an alert fires, goes on firing while nobody looks, and resolves when somebody does', async ({ page }) => {
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
    const group = { title: UID, folderUid: UID, interval: EVALUATION_S, rules: [violated, cannotLook] };
    await expectOk('alert rules', await request.put(GROUP, { data: group }));

    await expect.poll(() => firing(request, violated.uid), { message: 'it fires', ...patience }).toBe(true);
    expect(await firing(request, cannotLook.uid), 'somebody looks').toBe(false);
    const { end } = betrace.asked.at(-1)!;
    expect(Date.now() - Date.parse(end), 'the range that ends now was moved back to what is settled').toBeGreaterThan(120_000);
    await expectLink(page);

    for (const state of ['away', 'blind'] as const) {
      betrace.state = state;
      await expectHeld(request);
      betrace.state = 'there';
      await expect.poll(() => firing(request, cannotLook.uid), { message: 'somebody looks again', ...patience }).toBe(false);
      expect(await firing(request, violated.uid), 'it was violated all the time').toBe(true);
    }

    betrace.violations = 0;
    await expect.poll(() => firing(request, violated.uid), { message: 'it resolves', ...patience }).toBe(false);
  } finally {
    await remove(request);
    await betrace.stop();
  }
});
