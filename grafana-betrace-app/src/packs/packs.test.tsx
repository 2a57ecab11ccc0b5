// Packs as the pages offer them: the files are read, previews say no more than was read, and a click stores in shadow what is not there yet.
import { screen, waitFor, within } from '@testing-library/react';
import fs from 'node:fs';
import path from 'node:path';
import { coverage, violation } from '../test/fixtures';
import { NEVER, problem, type Handlers, type StubRequest } from '../test/host';
import { render } from '../test/render';
import PackGallery from './PackGallery';
import { PACK_OF_FRAMEWORK, PACKS } from './packs';
import { packWords } from './packWords';
import { previewWords } from './preview';

const FOLDER = path.join(__dirname, '../../../distribution/packs');
const files = () => fs.readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const page = (change = {}) => ({ violations: [], total_count: 0, inconclusive: 0, traces_evaluated: 40, traces_evaluated_kind: 'exact' as const, exercised: [], reason: null, coverage: coverage(), cursor: null, ...change });
const exercised = (...values: Array<number | null>) => ({ series: [{ labels: { rule_id: 'ad-hoc', rule: '', severity: 'low' }, points: values.map((value, at) => [`t${at}`, value]), undecided: { steps: 0, budget: 0 } }], reason: null, coverage: coverage() });
const said = (change = {}, traces: number | null = null) => previewWords({ page: page(change), exercised: traces === null ? null : { traces, known: 24, hours: 25 } });

describe('the packs', () => {
  it('are all files of distribution/packs, each with words and rules without tests', () => {
    expect(PACKS.map((pack) => `${pack.name}.yaml`).sort()).toEqual(files().sort());
    PACKS.forEach((pack) => {
      expect(packWords(pack.name)?.about).toBeTruthy();
      expect(pack.rules.length).toBeGreaterThan(4);
      pack.rules.forEach((rule) => expect(Object.keys(rule).sort()).toEqual(['description', 'dsl', 'id', 'labels', 'name', 'severity']));
    });
  });

  it('say in the text of a rule which conventions its names follow', () => {
    const texts = files().flatMap((name) => fs.readFileSync(path.join(FOLDER, name), 'utf8').match(/^ {4}semconv: stable$/gm) ?? []);
    const rules = PACKS.flatMap((pack) => pack.rules).filter(({ dsl }) => dsl.startsWith('@semconv(stable)\n'));
    expect(rules.length).toBeGreaterThan(5);
    expect(rules).toHaveLength(texts.length);
  });

  it('say in the text of a rule the aliases and names of their file that it uses, and no others', () => {
    const [pack] = PACKS.filter(({ name }) => name === 'ai-agents');
    const dslOf = (id: string) => pack.rules.find((rule) => rule.id === id)!.dsl;
    expect(dslOf('ai-model-not-allowed')).toMatch(/^@alias\(gen_ai\.request\.model, llm\.model_name, [^)]+\)\n@name\(model_call = `span\( gen_ai[^`]+`\)\nwhen \{ model_call\./);
    expect(dslOf('ai-guardrail-ignored')).toMatch(/^when/);
    pack.rules.forEach(({ dsl }) => {
      for (const [, word] of dsl.matchAll(/^@(?:alias|name)\(([\w.]+)/gm)) {
        expect(dsl.split(word).length).toBeGreaterThan(2);
      }
    });
  });

  it('of a framework stand for controls of its catalogue, by its name or another one that it has', () => {
    const folder = path.join(__dirname, '../../../server/compliance/catalogues');
    const texts = fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), 'utf8'));
    Object.entries(PACK_OF_FRAMEWORK).forEach(([framework, pack]) => {
      const lines = texts.map((text) => text.split('\n')).find((one) => one.includes(`name: ${framework}`)) ?? [];
      pack.rules.forEach(({ dsl }) => {
        const said = /^@(\w+)\(/.exec(dsl)?.[1] ?? '';
        expect([`name: ${said}`, `alias: ${said}`].some((line) => lines.includes(line))).toBe(true);
      });
    });
  });
});

describe('a preview', () => {
  it('tells a rule that was kept from one that no trace is about', () => {
    expect(said({}, 12)).toEqual({ state: 'kept', text: 'Kept by the traces that are about it: 12 at least' });
    expect(said({}, 0)).toEqual({ state: 'idle', text: 'No trace is about it in the hours that are known: 24 of 25' });
    expect(said({}).state).toBe('partial');
  });

  it('never calls what was not read good', () => {
    expect(said({ total_count: null, reason: 'windows_failed: Tempo did not answer' }, 12)).toEqual({ state: 'partial', text: 'None found, but not everything was read: Tempo did not answer' });
    const { asked } = coverage();
    expect(said({ coverage: coverage({ complete: false, windows_empty: [asked] }) }, 0).state).toBe('nothing');
    expect(said({ violations: [violation()], total_count: null }).text).toBe('Broken by 1 traces at least');
  });
});

function show(handlers: Handlers, host = {}) {
  const rendered = render(<PackGallery />, { host, handlers });
  return { ...rendered, pack: () => within(screen.getByRole('heading', { name: 'SOC 2' }).closest('li') as HTMLElement) };
}
const asks = (requests: StubRequest[]) => requests.filter(({ path: at }) => at === '/v1/violations/query');

it('asks nothing before somebody wants to see, and two questions at once then', async () => {
  const { host, user, pack } = show({ 'POST /v1/violations/query': NEVER });
  expect(host.requests).toHaveLength(0);
  await user.click(pack().getByRole('button', { name: 'How would it have done here?' }));
  await waitFor(() => expect(asks(host.requests)).toHaveLength(2));
  expect(pack().getAllByRole('status')).toHaveLength(6);
  await user.click(pack().getByRole('button', { name: 'Fold' }));
  await user.click(pack().getByRole('button', { name: 'How would it have done here?' }));
  await waitFor(() => expect(asks(host.requests)).toHaveLength(4)); // the first two were ended, so there was room
});

it('shows each answer in its own way', async () => {
  const answers = [page({ violations: [violation()], total_count: 1 }), page(), page({ total_count: null }), problem(503, 'busy', 'too many requests')];
  const { user, pack } = show({
    'POST /v1/violations/query': ({ body }: StubRequest) => {
      const at = PACK_OF_FRAMEWORK.SOC2.rules.findIndex((rule) => rule.dsl === (body as { dsl: string }).dsl);
      return answers[Math.min(at, 3)];
    },
    'POST /v1/violations/series': exercised(3, 2, null),
  });
  await user.click(pack().getByRole('button', { name: 'How would it have done here?' }));
  expect(await pack().findByText('Broken by 1 traces')).toHaveAttribute('data-state', 'broken');
  expect(await pack().findByText(/at least/)).toHaveAttribute('data-state', 'kept');
  expect(await pack().findByText(/not everything was read/)).toHaveAttribute('data-state', 'partial');
  expect((await pack().findAllByText(/Could not be asked: too many requests/))[0]).toHaveAttribute('data-state', 'failed');
});

it('stores in shadow those rules whose ids are free, in one go', async () => {
  const bodies: unknown[] = [];
  const { user, pack } = show({
    'POST /v1/rules/import': ({ body, query }: StubRequest) => {
      const { rules } = body as { rules: Array<{ id: string; shadow: boolean }> };
      bodies.push([query.get('dry_run'), rules.length, rules.every((rule) => rule.shadow)]);
      return { dry_run: query.get('dry_run') === 'true', created: rules.length, updated: 0, unchanged: 0, tests: null, rules: rules.map(({ id }, at) => ({ id, name: id, result: at === 0 && rules.length === 6 ? 'updated' : 'created', diagnostics: [] })) };
    },
  });
  await user.click(pack().getByRole('button', { name: 'Add 6 rules in shadow' }));
  expect(await pack().findByText(/Added in shadow: 5 rules/)).toBeInTheDocument();
  expect(bodies).toEqual([['true', 6, true], ['false', 5, true]]);
});

it('says what went wrong, and lets nobody store who may not', async () => {
  const { user, pack, unmount } = show({ 'POST /v1/rules/import': problem(503, 'store', 'the store is read-only') });
  await user.click(pack().getByRole('button', { name: 'Add 6 rules in shadow' }));
  expect(await pack().findByText('the store is read-only')).toBeInTheDocument();
  unmount();
  const viewer = show({}, { hasPermission: (action: string) => action.endsWith(':read') });
  expect(viewer.pack().getByRole('button', { name: 'Add 6 rules in shadow' })).toHaveAttribute('aria-disabled', 'true');
});
