// Defaults, what is sent and what not, and variables, with Grafana’s template service was in for.
import { CoreApp, type DataSourceInstanceSettings, type ScopedVars } from '@grafana/data';
import { setTemplateSrv, type TemplateSrv } from '@grafana/runtime';
import { lastValueFrom, type Observable } from 'rxjs';
import { BetraceDataSource } from './datasource';
import type { BetraceOptions, BetraceQuery, VariableQuery } from './types';

const variables: Record<string, string | string[]> = { rule: ['a', 'b'], severity: 'high', team: 'payments', none: '' };

/** As Grafana's: $name becomes the value, formatted by the given function where it has several. */
const templates = {
  replace: (text: string, _: ScopedVars, format?: (value: string | string[]) => string) =>
    text.replace(/\$(\w+)/g, (whole, name) => {
      const value = variables[name];
      return value === undefined ? whole : typeof format === 'function' ? format(value) : String(value);
    }),
} as unknown as TemplateSrv;

const settings = { id: 1, uid: 'betrace', type: 'betrace-datasource', name: 'BeTrace', jsonData: {} } as DataSourceInstanceSettings<BetraceOptions>;

function make() {
  setTemplateSrv(templates);
  return new BetraceDataSource(settings);
}

describe('defaults', () => {
  it.each([
    [CoreApp.Explore, { queryType: 'violations' }],
    [CoreApp.UnifiedAlerting, { queryType: 'count', instant: true }],
    [CoreApp.PanelEditor, { queryType: 'count' }],
  ])('%s begins with what makes sense there', (app, query) => {
    expect(make().getDefaultQuery(app)).toEqual(query);
  });

  it('annotations are asked for as such, whatever the query was made from', () => {
    const { annotations } = make();
    expect(annotations.getDefaultQuery?.()).toEqual({ queryType: 'annotations' });
    const target: BetraceQuery = { refId: 'X', queryType: 'count', ruleIds: ['a'] };
    expect(annotations.prepareQuery?.({ name: 'n', enable: true, iconColor: 'red', target })).toEqual({ refId: 'Anno', queryType: 'annotations', ruleIds: ['a'] });
  });
});

describe('what is sent', () => {
  it('a query without anything chosen is sent: it means every rule', () => {
    expect(make().filterQuery({ refId: 'A', queryType: 'count' })).toBe(true);
  });

  it('an ad-hoc query without a text is not sent, as it would mean every rule', () => {
    expect(make().filterQuery({ refId: 'A', dsl: ' ' })).toBe(false);
    expect(make().filterQuery({ refId: 'A', dsl: 'trace.has(x)' })).toBe(true);
  });

  it('variables are replaced, those of several values by several entries', () => {
    const query: BetraceQuery = { refId: 'A', ruleIds: ['$rule', 'c'], severities: ['$severity'], labels: { team: '$team' }, dsl: undefined };
    expect(make().applyTemplateVariables(query, {})).toMatchObject({ ruleIds: ['a', 'b', 'c'], severities: ['high'], labels: { team: 'payments' } });
  });

  it('a variable without a value does not become "every rule"', () => {
    expect(make().applyTemplateVariables({ refId: 'A', ruleIds: ['$none'] }, {}).ruleIds).toEqual(['$none']);
  });

  it('fields that are not there stay away', () => {
    const query: BetraceQuery = { refId: 'A', queryType: 'count' };
    expect(JSON.parse(JSON.stringify(make().applyTemplateVariables(query, {})))).toEqual(query);
  });
});

describe('variables', () => {
  const rules = [
    { id: 'a', name: 'Rule A', severity: 'high', enabled: true, shadow: false, broken: false, labels: { team: 'db' } },
    { id: 'b', name: '', severity: 'low', enabled: true, shadow: false, broken: false, labels: null },
  ];
  const answers: Record<string, unknown> = { rules, severities: ['low', 'high'], labels: { team: ['db', 'web'], tier: ['1'] } };

  function withAnswers() {
    const source = make();
    source.getResource = async (path: string) => answers[path] as never;
    return source;
  }

  it.each<[VariableQuery['kind'], string | undefined, unknown]>([
    ['rules', undefined, [{ text: 'Rule A', value: 'a' }, { text: 'b', value: 'b' }]],
    ['severities', undefined, [{ text: 'low', value: 'low' }, { text: 'high', value: 'high' }]],
    ['labels', 'team', [{ text: 'db', value: 'db' }, { text: 'web', value: 'web' }]],
    ['labels', 'nope', []],
    ['labels', undefined, [{ text: 'team', value: 'team' }, { text: 'tier', value: 'tier' }]],
  ])('%s %s', async (kind, label, expected) => {
    const source = withAnswers();
    const request = { targets: [{ refId: 'V', kind, label }] } as never;
    const support = source.variables as unknown as { query(request: unknown): Observable<{ data: unknown }> };
    const { data } = await lastValueFrom(support.query(request));
    expect(data).toEqual(expected);
  });
});
