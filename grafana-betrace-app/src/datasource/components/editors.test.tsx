// The editors as people use them: by their labels and by keyboard.
import { CoreApp, createTheme, ThemeContext, type DataSourceInstanceSettings } from '@grafana/data';
import { setTemplateSrv, type TemplateSrv } from '@grafana/runtime';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState, type ComponentType } from 'react';
import { BetraceDataSource } from '../datasource';
import type { BetraceOptions, BetraceQuery, BetraceSecureOptions, Validation, VariableQuery } from '../types';
import ConfigEditor from './ConfigEditor';
import { formatLabels, parseLabels } from './labels';
import QueryEditor, { typeOptions } from './QueryEditor';
import VariableQueryEditor from './VariableQueryEditor';

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  DataSourcePicker: (props: { inputId: string; onChange(chosen: { uid: string; name: string }): void; onClear(): void }) => (
    <>
      <button id={props.inputId} onClick={() => props.onChange({ uid: 'tempo-1', name: 'Tempo One' })}>
        choose
      </button>
      <button onClick={props.onClear}>clear</button>
    </>
  ),
}));

jest.mock('@grafana/ui', () => ({
  ...jest.requireActual('@grafana/ui'),
  CodeEditor: jest.requireActual('../../test/codeEditor').CodeEditor,
}));

const WORDS = { words: [], tokens: [], comments: { line: ['#'], block: ['/*', '*/'] }, brackets: [] };
const FAULT = { code: 'E010', severity: 'error' as const, message: 'unknown function', line: 1, column: 3, range: { start: 2, end: 3 } };

const rule = (id: string, name: string) => ({ id, name, severity: 'high', enabled: true, shadow: false, broken: false, labels: {} });

function source(validation?: Partial<Validation>, language?: object): BetraceDataSource {
  const made = new BetraceDataSource({ id: 1, uid: 'betrace', type: 'betrace-datasource', name: 'BeTrace', jsonData: {} } as DataSourceInstanceSettings<BetraceOptions>);
  made.getResource = async (path: string) =>
    path === 'language' && !language
      ? Promise.reject({ data: { message: 'no words' } })
      : ({ language, rules: [rule('slow-db', 'Slow database'), rule('pii', 'PII')], frameworks: ['SOC2'], services: ['web', 'db'], labels: { team: ['a'] } }[path] as never);
  made.postResource = async () => ({ valid: true, diagnostics: [], ...validation }) as never;
  return made;
}

async function show(query: BetraceQuery, { app, validation, language }: { app?: CoreApp; validation?: Partial<Validation>; language?: object } = {}) {
  const latest: { query: BetraceQuery; runs: number } = { query, runs: 0 };
  const datasource = source(validation, language);
  function Editor() {
    const [current, setCurrent] = useState(query);
    const change = (next: BetraceQuery) => {
      latest.query = next;
      setCurrent(next);
    };
    return <QueryEditor query={current} datasource={datasource} onChange={change} onRunQuery={() => (latest.runs += 1)} app={app} />;
  }
  render(
    <ThemeContext.Provider value={createTheme()}>
      <Editor />
    </ThemeContext.Provider>
  );
  await act(async () => undefined); // lists have come
  return { latest, user: userEvent.setup() };
}

/** By keyboard alone. The options are in a virtual list that has no height in jsdom; the browser harness clicks them. */
async function pick(user: ReturnType<typeof userEvent.setup>, label: string, option: string, isMulti = false) {
  await user.click(screen.getByLabelText(label));
  await user.keyboard(option);
  await waitFor(() => expect(screen.getByLabelText(label)).toHaveAttribute('aria-activedescendant'));
  await user.keyboard(isMulti ? '{ArrowDown}{Enter}' : '{Enter}');
}

beforeAll(() => {
  setTemplateSrv({ getVariables: () => [{ name: 'severity' }] } as unknown as TemplateSrv);
  // comboboxes measure their texts
  HTMLCanvasElement.prototype.getContext = (() => ({ font: '', measureText: () => ({ width: 10 }) })) as never;
});

describe('query editor', () => {
  it('has a label for every field', async () => {
    await show({ refId: 'A', queryType: 'violations' }, { app: CoreApp.Explore });
    for (const label of ['Show', 'Of rules', 'Severities', 'Labels', 'Framework', 'Service', 'Trace id', 'Limit']) {
      expect(screen.getByLabelText(label)).toBeInTheDocument();
    }
  });

  it('offers numbers only in alert rules, tables elsewhere too, and annotations where they are meant', () => {
    const values = (alerting: boolean, isAnnotation: boolean) => typeOptions(alerting, isAnnotation).map((option) => option.value);
    expect(values(true, false)).toEqual(['count', 'exercised', 'ratio']);
    expect(values(false, false)).toEqual(['violations', 'count', 'exercised', 'ratio', 'first_violation', 'problems']);
    expect(values(false, true)).toEqual(['annotations']);
  });

  it('has problems of stored rules alone, without what belongs to violations', async () => {
    const { latest, user } = await show({ refId: 'A', queryType: 'violations', dsl: 'trace.has(x)', service: 'web' });
    await pick(user, 'Show', 'Problems');
    expect(latest.query).toMatchObject({ queryType: 'problems', dsl: undefined, service: undefined });
    expect(screen.queryByRole('radio', { name: 'Ad-hoc' })).not.toBeInTheDocument();
    expect(screen.queryByLabelText('Trace id')).not.toBeInTheDocument();
    expect(screen.getByLabelText('Of rules')).toBeInTheDocument();
  });

  it('says in alert rules where the range has to end', async () => {
    await show({ refId: 'A', queryType: 'count', instant: true }, { app: CoreApp.UnifiedAlerting });
    expect(screen.getByText(/now-3m/)).toBeInTheDocument();
    expect(screen.queryByLabelText('One number')).not.toBeInTheDocument();
  });

  it('chooses a rule by its name and keeps its id', async () => {
    const { latest, user } = await show({ refId: 'A', queryType: 'count' });
    await pick(user, 'Of rules', 'Slow database', true);
    expect(latest.query.ruleIds).toEqual(['slow-db']);
    expect(latest.runs).toBe(1);
    await pick(user, 'Severities', '$severity', true);
    expect(latest.query.severities).toEqual(['$severity']);
  });

  it('another type leaves nothing behind that would be refused', async () => {
    const { latest, user } = await show({ refId: 'A', queryType: 'violations', service: 'web', traceId: 'ab', limit: 5 });
    await pick(user, 'Show', 'Count');
    expect(JSON.parse(JSON.stringify(latest.query))).toEqual({ refId: 'A', queryType: 'count' });
  });

  it('an ad-hoc rule takes the place of the choice, and its faults are said', async () => {
    const { latest, user } = await show(
      { refId: 'A', queryType: 'count', ruleIds: ['slow-db'], severities: ['high'] },
      { validation: { valid: false, diagnostics: [FAULT] } }
    );
    await user.click(screen.getByLabelText('Ad-hoc'));
    await user.type(screen.getByRole('textbox', { name: /^Rule/ }), 'zz(');
    expect(JSON.parse(JSON.stringify(latest.query))).toEqual({ refId: 'A', queryType: 'count', dsl: 'zz(' });
    expect(await screen.findByText('Line 1, column 3: unknown function')).toBeInTheDocument();
    const before = latest.runs;
    await user.keyboard('{Shift>}{Enter}{/Shift}');
    expect(latest.runs).toBe(before + 1);
    await user.click(screen.getByLabelText('Stored'));
    expect(latest.query.dsl).toBeUndefined();
  });

  it('is written in the editor of the language where its words can be had', async () => {
    const { latest } = await show({ refId: 'A', queryType: 'count', dsl: '' }, { language: WORDS, validation: { valid: false, diagnostics: [FAULT] } });
    const text = await screen.findByRole('textbox', { name: 'Rule. Ctrl+M makes Tab leave the editor.' });
    fireEvent.change(text, { target: { value: 'zz(' } });
    expect(latest.query.dsl).toBe('zz(');
    expect(await screen.findByText('Line 1, column 3: unknown function')).toBeInTheDocument();
    expect(screen.getByRole('textbox', { name: /^Rule/ })).toHaveValue('zz(');
  });

  it('refuses a step and a limit that cannot be', async () => {
    const { latest, user } = await show({ refId: 'A', queryType: 'count' });
    await user.type(screen.getByLabelText('Step'), 'often');
    await user.tab();
    expect(await screen.findByText(/A step is written like/)).toBeInTheDocument();
    expect(latest.query.step).toBeUndefined();
    await user.clear(screen.getByLabelText('Step'));
    await user.type(screen.getByLabelText('Step'), '5m');
    await user.tab();
    expect(latest.query.step).toBe('5m');
  });

  it('says why the rules cannot be listed', async () => {
    const datasource = source();
    datasource.getResource = () => Promise.reject({ data: { message: 'BeTrace cannot be reached' } });
    render(<QueryEditor query={{ refId: 'A' }} datasource={datasource} onChange={() => undefined} onRunQuery={() => undefined} />);
    await waitFor(() => expect(screen.getByText('BeTrace cannot be reached')).toBeInTheDocument());
  });
});

describe('labels', () => {
  it.each([
    ['team=payments, tier=1', { team: 'payments', tier: '1' }],
    ['a=b=c', { a: 'b=c' }],
    ['', undefined],
    ['team', null],
    ['=x', null],
  ])('%s', (text, labels) => {
    expect(parseLabels(text)).toEqual(labels);
    if (labels) {
      expect(formatLabels(labels)).toBe(text);
    }
  });
});

describe('config editor', () => {
  function showConfig() {
    const latest: { options?: Record<string, unknown> } = {};
    function Editor() {
      const [options, setOptions] = useState({ url: '', jsonData: {}, secureJsonFields: { apiToken: true } } as never);
      const change = (next: never) => {
        latest.options = next;
        setOptions(next);
      };
      const Component = ConfigEditor as unknown as ComponentType<{ options: never; onOptionsChange(next: never): void }>;
      return <Component options={options} onOptionsChange={change} />;
    }
    render(<Editor />);
    return { latest, user: userEvent.setup() };
  }

  it('keeps URL, tenant, timeout and Tempo, and says what a URL looks like', async () => {
    const { latest, user } = showConfig();
    await user.type(screen.getByLabelText(/^URL/), 'betrace:8080');
    expect(screen.getByText(/begins with http/)).toBeInTheDocument();
    await user.clear(screen.getByLabelText(/^URL/));
    await user.type(screen.getByLabelText(/^URL/), 'http://betrace:8080');
    await user.type(screen.getByLabelText(/^Tenant/), 'acme');
    await user.type(screen.getByLabelText(/^Timeout/), '60');
    await user.click(screen.getByText('choose'));
    expect(latest.options).toMatchObject({ url: 'http://betrace:8080', jsonData: { tenant: 'acme', timeout: 60, tempoDatasourceUid: 'tempo-1', tempoDatasourceName: 'Tempo One' } });
    await user.click(screen.getByText('clear'));
    expect((latest.options?.jsonData as BetraceOptions).tempoDatasourceUid).toBeUndefined();
  });

  it('never shows a token that is set, and forgets it on request', async () => {
    const { latest, user } = showConfig();
    await user.click(screen.getByRole('button', { name: /reset/i }));
    expect(latest.options).toMatchObject({ secureJsonFields: { apiToken: false } });
    await user.type(screen.getByLabelText(/^Token/), 's3cret');
    expect((latest.options?.secureJsonData as BetraceSecureOptions).apiToken).toBe('s3cret');
  });
});

describe('variable editor', () => {
  it('asks for a label only where values of one are listed', async () => {
    const changes: VariableQuery[] = [];
    const user = userEvent.setup();
    function Editor() {
      const [query, setQuery] = useState<VariableQuery>({ refId: 'V', kind: 'rules' });
      return <VariableQueryEditor query={query} datasource={source()} onChange={(next) => (changes.push(next), setQuery(next))} onRunQuery={() => undefined} />;
    }
    render(<Editor />);
    expect(screen.queryByLabelText('Label')).not.toBeInTheDocument();
    await pick(user, 'List', 'Values of a label');
    await pick(user, 'Label', 'team');
    expect(changes.at(-1)).toEqual({ refId: 'V', kind: 'labels', label: 'team' });
  });
});
