// A real betrace for the specs, and the data source that asks it. The programs are those of tests/app/support, which start
// them and end them by pid. Grafana's server has to reach this machine.
import { expect } from '@grafana/plugin-e2e';
import type { APIRequestContext } from '@playwright/test';
import path from 'node:path';

export interface Service {
  url: string;
  post(path: string, body: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** A module of tests/app/support, by the name of its file. */
export const support = (file: string) => import(path.resolve(__dirname, '../../tests/app/support', file));

export async function removeDataSource(request: APIRequestContext, uid: string) {
  await request.delete(`/api/datasources/uid/${uid}`);
}

/** One that an earlier run left is replaced. */
export async function addDataSource(request: APIRequestContext, uid: string, name: string, url: string) {
  await removeDataSource(request, uid);
  const made = await request.post('/api/datasources', { data: { uid, name, type: 'betrace-datasource', access: 'proxy', url } });
  expect(made.ok(), await made.text()).toBe(true);
}

/** The address of Explore with one query for violations, from this time, such as `now-6h`, until now. */
export function exploreUrl(uid: string, from: string): string {
  const query = { refId: 'A', queryType: 'violations', datasource: { uid, type: 'betrace-datasource' } };
  const pane = { datasource: uid, queries: [query], range: { from, to: 'now' } };
  return `/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`;
}
