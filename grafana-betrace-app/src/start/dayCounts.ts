// Violations of the last day by rule, from the series of the service. A step that was not read in full, or is not
// settled, is null there and counts as not known here: it is neither a zero nor left out silently. No state.
import { SEVERITIES, type Series, type Severity } from '../api/types';

export interface RuleCount {
  ruleId: string;
  name: string;
  severity: Severity;
  count: number;
  /** of them in the newest hour */
  recent: number;
  unknownSteps: number;
}

export interface DayCounts {
  /** with violations first, most of them and most severe first */
  rules: RuleCount[];
  total: number;
  /** steps over all rules, and those of which nothing is known */
  steps: number;
  unknownSteps: number;
}

/** With the newest step, which is never known, the last hour of ten-minute steps. */
const NEWEST_HOUR = 7;

const sumOf = (values: ReadonlyArray<string | number | null>) => values.reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0);

function countOf({ labels, points }: Series['series'][number]): RuleCount & { steps: number } {
  const values = points.map((point) => point[1]);
  return {
    ruleId: labels.rule_id,
    name: labels.rule || labels.rule_id,
    severity: labels.severity,
    count: sumOf(values),
    recent: sumOf(values.slice(-NEWEST_HOUR)),
    unknownSteps: values.filter((value) => value === null).length,
    steps: points.length,
  };
}

function inOrder(a: RuleCount, b: RuleCount): number {
  return b.count - a.count || SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.name.localeCompare(b.name);
}

export function dayCounts(series: Series): DayCounts {
  const rules = series.series.map(countOf);
  const sum = (pick: (rule: (typeof rules)[number]) => number) => rules.reduce((all, rule) => all + pick(rule), 0);
  return { rules: [...rules].sort(inOrder), total: sum((rule) => rule.count), steps: sum((rule) => rule.steps), unknownSteps: sum((rule) => rule.unknownSteps) };
}
