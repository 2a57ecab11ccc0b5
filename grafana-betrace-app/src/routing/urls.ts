// Every address of the app, typed. Patterns (for <Routes>) and addresses (for links) are side by side and a test holds them together.
import { queryString, type QueryValue } from '../api/client';

export const PATTERNS = {
  start: '',
  rules: 'rules',
  newRule: 'rules/new',
  rule: 'rules/:id',
  replays: 'replay',
  replay: 'replay/:id',
  violations: 'violations',
  violation: 'violations/:ruleId/:traceId',
  trace: 'traces/:traceId',
  changes: 'changes',
  backtest: 'backtest',
  compliance: 'compliance',
  framework: 'compliance/:framework',
  configuration: 'configuration',
} as const;

export type Query = Record<string, QueryValue>;

function withQuery(path: string, query?: Query): string {
  return `${path}${queryString(query)}`;
}

const part = encodeURIComponent;

/** Addresses below a prefix; pages take `useUrls()`. A range is `{from: 'now-24h', to: 'now'}` in the query. */
export function urls(prefix: string) {
  const at = (path: string, query?: Query) => withQuery(`${prefix}/${path}`, query);
  return {
    start: () => (prefix === '' ? '/' : prefix),
    rules: (query?: Query) => at('rules', query),
    newRule: (query?: Query) => at('rules/new', query),
    rule: (id: string, query?: Query) => at(`rules/${part(id)}`, query),
    replays: (query?: Query) => at('replay', query),
    replay: (id: string, query?: Query) => at(`replay/${part(id)}`, query),
    violations: (query?: Query) => at('violations', query),
    violation: (ruleId: string, traceId: string, query?: Query) => at(`violations/${part(ruleId)}/${part(traceId)}`, query),
    trace: (traceId: string) => at(`traces/${part(traceId)}`),
    changes: (query?: Query) => at('changes', query),
    backtest: (query?: Query) => at('backtest', query),
    compliance: (query?: Query) => at('compliance', query),
    framework: (framework: string, query?: Query) => at(`compliance/${part(framework)}`, query),
    configuration: () => at('configuration'),
  };
}
