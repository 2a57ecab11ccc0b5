// Addresses and patterns of pages, held together.
import { matchPath } from 'react-router-dom';
import { PATTERNS, urls } from './urls';

// An address of urls() has to be matched by the pattern of the same name, and give its parts back.
const samples: Record<keyof typeof PATTERNS, { url: (prefix: string) => string; params: Record<string, string> }> = {
  start: { url: (p) => urls(p).start(), params: {} },
  rules: { url: (p) => urls(p).rules(), params: {} },
  newRule: { url: (p) => urls(p).newRule(), params: {} },
  rule: { url: (p) => urls(p).rule('a.b-c'), params: { id: 'a.b-c' } },
  replays: { url: (p) => urls(p).replays(), params: {} },
  replay: { url: (p) => urls(p).replay('r1'), params: { id: 'r1' } },
  violations: { url: (p) => urls(p).violations(), params: {} },
  violation: { url: (p) => urls(p).violation('r', 'ff00'), params: { ruleId: 'r', traceId: 'ff00' } },
  trace: { url: (p) => urls(p).trace('4bf92f3577b34da6'), params: { traceId: '4bf92f3577b34da6' } },
  changes: { url: (p) => urls(p).changes(), params: {} },
  backtest: { url: (p) => urls(p).backtest(), params: {} },
  compliance: { url: (p) => urls(p).compliance(), params: {} },
  framework: { url: (p) => urls(p).framework('pci-dss_4.0'), params: { framework: 'pci-dss_4.0' } },
  configuration: { url: (p) => urls(p).configuration(), params: {} },
};

describe.each(['', '/a/betrace-app'])('below "%s"', (prefix) => {
  it.each(Object.keys(PATTERNS) as Array<keyof typeof PATTERNS>)('%s', (name) => {
    const match = matchPath(`${prefix}/${PATTERNS[name]}`, samples[name].url(prefix));
    expect(match?.params).toEqual(samples[name].params);
  });
});

it('puts a query behind, without what is empty', () => {
  expect(urls('').violations({ from: 'now-1h', rule: ['a', 'b'], q: '', x: null })).toBe('/violations?from=now-1h&rule=a&rule=b');
});
