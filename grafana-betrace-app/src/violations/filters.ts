// What the Violations page shows is said by its URL alone: the parameters besides the range, and the questions that follow from them. No state.
import { SEVERITIES, type Severity } from '../api/types';
import type { ProblemFilter, SeriesFilter, ViolationFilter } from '../api/violations';
import { param, type Parameter } from '../routing/useUrlState';

/** Hex digits in small letters; anything else is no filter. */
const traceIdParameter: Parameter<string> = {
  read: ([value = '']) => (isTraceId(value.trim()) ? value.trim().toLowerCase() : ''),
  write: (value) => (value === '' ? [] : [value]),
};

const RULE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const rulesParameter: Parameter<string[]> = {
  read: (values) => [...new Set(values.filter((id) => RULE_ID.test(id)))],
  write: (value) => value,
};

const PROBLEM_ID = /^[0-9a-f]{16}$/;

const problemParameter: Parameter<string> = {
  read: ([value = '']) => (PROBLEM_ID.test(value) ? value : ''),
  write: (value) => (value === '' ? [] : [value]),
};

export const VIEWS = ['problems', 'list'] as const;
export const ORDERS = ['newest', 'oldest'] as const;
const VIEW_CHOICES = ['', ...VIEWS] as const;
const SEVERITY_CHOICES: Array<Severity | ''> = ['', ...SEVERITIES];

export const VIOLATION_PARAMETERS = {
  rule: rulesParameter,
  severity: param.choice(SEVERITY_CHOICES, ''),
  service: param.text(),
  framework: param.text(),
  trace: traceIdParameter,
  order: param.choice(ORDERS, 'newest'),
  view: param.choice(VIEW_CHOICES, ''),
  problem: problemParameter,
};

export interface ViolationFilters {
  rule: string[];
  severity: Severity | '';
  service: string;
  framework: string;
  trace: string;
  order: (typeof ORDERS)[number];
  /** '': what viewOf says */
  view: (typeof VIEW_CHOICES)[number];
  /** the one that is open among problems; the list has its violations alone */
  problem: string;
}

export const NO_FILTERS: Omit<ViolationFilters, 'order' | 'view'> = { rule: [], severity: '', service: '', framework: '', trace: '', problem: '' };

export function isTraceId(text: string): boolean {
  return /^[0-9A-Fa-f]{1,32}$/.test(text);
}

/** Problems first. A link that names what the list alone knows leads to the list, as it did before there were problems. */
export function viewOf({ view, service, trace, order }: ViolationFilters): (typeof VIEWS)[number] {
  return view || (service || trace || order === 'oldest' ? 'list' : 'problems');
}

/** A change of filters leaves the view as it is, and the address says it only where the filters do not. */
export function keepingView(filters: ViolationFilters, change: Partial<ViolationFilters>): Partial<ViolationFilters> {
  const view = change.view || viewOf(filters);
  return { ...change, view: viewOf({ ...filters, ...change, view: '' }) === view ? '' : view };
}

/** How many narrow what is shown; the order does not. */
export function chosenCount(filters: ViolationFilters): number {
  const { rule, severity, service, framework, trace, problem } = filters;
  return [rule.length > 0, severity, service, framework, trace, viewOf(filters) === 'list' && problem].filter(Boolean).length;
}

export const isNarrowed = (filters: ViolationFilters): boolean => chosenCount(filters) > 0;

export interface QuestionRange {
  start: string;
  end: string;
}

function ruleQuery({ rule, severity, framework }: ViolationFilters) {
  return {
    ...(rule.length ? { rule_id: rule } : {}),
    ...(severity ? { severity } : {}),
    ...(framework ? { framework } : {}),
  };
}

/** What was found by then is shown, and asking again goes on: rare violations would else keep the reader waiting. */
const PATIENCE = '5s';

/** The question for GET /v1/violations; without what does not narrow. */
export function listQuery(filters: ViolationFilters, { start, end }: QuestionRange): ViolationFilter {
  return {
    start,
    end,
    order: filters.order,
    timeout: PATIENCE,
    ...ruleQuery(filters),
    ...(filters.service ? { service: filters.service } : {}),
    ...(filters.trace ? { trace_id: filters.trace } : {}),
    ...(filters.problem ? { problem: filters.problem } : {}),
  };
}

const PROBLEMS_SHOWN = 200;

const PROBLEM_PATIENCE = '60s';

/** The violations of one problem, whatever else is chosen. */
export function rowsQuery({ id, rule_id }: { id: string; rule_id: string }, { start, end }: QuestionRange): ViolationFilter {
  return { start, end, order: 'newest', timeout: PROBLEM_PATIENCE, rule_id: [rule_id], problem: id };
}

/** The question for GET /v1/problems, which knows no service and no trace. */
export function problemsQuery(filters: ViolationFilters, { start, end }: QuestionRange): ProblemFilter {
  return { start, end, limit: PROBLEMS_SHOWN, timeout: PROBLEM_PATIENCE, ...ruleQuery(filters) };
}

/** The question for GET /v1/violations/series, which knows no service and no trace; of the rules of the list, those in shadow among them. */
export function seriesQuery(filters: ViolationFilters, { start, end }: QuestionRange, stepS: number): SeriesFilter {
  return { start, end, step: `${stepS}s`, timeout: PATIENCE, shadow: true, ...ruleQuery(filters) };
}

/** The counts of the service cannot be narrowed by these, so they are of more than is listed. */
export function isWiderThanList({ service, trace, problem }: ViolationFilters): boolean {
  return service !== '' || trace !== '' || problem !== '';
}
