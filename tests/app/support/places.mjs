/* The pages that a person can open, with where each is. Runs in Node. */
import { RULES } from './world.mjs';

export const RANGE = 'from=now-24h&to=now';

/** A violation is looked up: its address has a trace in it. */
export async function places(main) {
  const { violations } = await main.get(`/v1/violations?rule_id=${RULES.slowDb.id}&start=now-24h&limit=1`);
  const { rule_id: rule, trace_id: trace } = violations[0];
  return [
    { name: 'start', at: '' }, { name: 'rules', at: '/rules' }, { name: 'rule', at: `/rules/${RULES.slowDb.id}` }, { name: 'rule-new', at: '/rules/new' },
    { name: 'violations', at: `/violations?${RANGE}&view=list` }, { name: 'problems', at: `/violations?${RANGE}` }, { name: 'violation', at: `/violations/${rule}/${trace}` }, { name: 'replays', at: '/replay' },
    { name: 'changes', at: `/changes?${RANGE}&at=now-6h` }, { name: 'trace', at: `/traces/${trace}` }, { name: 'backtest', at: '/backtest' },
    { name: 'compliance', at: '/compliance' }, { name: 'framework', at: '/compliance/SOC2' }, { name: 'configuration', at: '/configuration' }, { name: 'not-found', at: '/no-such-page' },
  ];
}
