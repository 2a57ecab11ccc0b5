// Links from Grafana's own pages to ours, each only where it makes sense. This file is part of module.js, which Grafana
// loads with every page: it imports next to nothing. `configure` runs while Grafana renders: it is pure and never
// throws. Titles and targets are in plugin.json too, and a test holds both together.
import type { PluginExtensionAddedLinkConfig, RawTimeRange } from '@grafana/data';
import { DATASOURCE_ID, PLUGIN_PREFIX } from '../constants';

const TEMPO = 'tempo';
const TRACE_ID = /^[0-9a-fA-F]{16,32}$/;
const RULE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const SEVERITIES = ['info', 'low', 'warning', 'medium', 'high', 'error', 'critical'];
const HOUR_MS = 3_600_000;
/** Labels and structured metadata of Loki; Grafana shows a link on the row of its category. */
const LOG_TRACE_ID = 'trace_id';
const LOG_SERVICE = 'service_name';

// Not enum values of @grafana/data: those are looked up in the Grafana that runs, and may be missing there.
const TARGETS = {
  traceHeader: 'grafana/traceview/header/actions',
  resourceAttributes: 'grafana/traceview/resource-attributes',
  explore: 'grafana/explore/toolbar/action',
  panel: 'grafana/dashboard/panel/menu',
  logAttributes: 'grafana/logsview/resource-attributes',
  alertInstance: 'grafana/alerting/instance/action',
};

/** What the trace view gives; times are in microseconds. Grafana does not export this type. */
export interface TraceHeaderContext {
  traceID?: string;
  startTime?: number;
  duration?: number;
  datasource?: { type?: string; uid?: string };
}

export interface ResourceAttributesContext {
  attributes?: Record<string, string[]>;
  /** milliseconds */
  timeRange?: { from: number; to: number };
  datasource?: { type?: string };
}

/** What the table of an alert's instances gives. */
export interface AlertInstanceContext {
  instance?: { activeAt?: string; labels?: Record<string, string> };
}

interface Target {
  datasource?: { type?: string } | string | null;
  query?: unknown;
  dsl?: unknown;
  hide?: unknown;
  /** of our queries: which rules and traces, as datasource/types.ts has them */
  ruleIds?: unknown;
  severities?: unknown;
  framework?: unknown;
  service?: unknown;
  traceId?: unknown;
}

/** Of Explore and of panels. */
export interface QueriesContext {
  targets?: Target[];
  timeRange?: RawTimeRange;
}

type Query = Record<string, string | string[] | undefined>;

function at(page: string, query: Query): string {
  const parameters = new URLSearchParams();
  Object.entries(query).forEach(([name, value]) => [value ?? []].flat().forEach((one) => one && parameters.append(name, one)));
  const text = parameters.toString();
  return `${PLUGIN_PREFIX}/${page}${text ? `?${text}` : ''}`;
}

const iso = (milliseconds: number) => new Date(milliseconds).toISOString();

/** `now-1h` stays; what is absolute becomes ISO. */
function raw(range: RawTimeRange | undefined): Query {
  const text = (value: RawTimeRange['from'] | undefined) => (typeof value === 'string' ? value : value?.toISOString?.());
  return { from: text(range?.from), to: text(range?.to) };
}

const typeOf = ({ datasource }: Target) => (typeof datasource === 'object' ? datasource?.type : undefined);

/** The violations of one trace, with an hour on both sides: a trace belongs to the window of its earliest span. */
export function traceLink(context?: TraceHeaderContext): { path: string } | undefined {
  const { traceID, startTime, duration = 0, datasource } = context ?? {};
  if (!traceID || !TRACE_ID.test(traceID) || datasource?.type !== TEMPO) {
    return undefined;
  }
  const start = startTime && Number.isFinite(startTime) ? startTime / 1000 : null;
  const range = start === null ? {} : { from: iso(start - HOUR_MS), to: iso(start + duration / 1000 + HOUR_MS) };
  return { path: at('violations', { trace: traceID.toLowerCase(), ...range }) };
}

/** Of milliseconds; what is not given stays out of the address. */
const isoRange = ({ from, to }: Partial<NonNullable<ResourceAttributesContext['timeRange']>> = {}): Query => ({
  from: from === undefined ? undefined : iso(from),
  to: to === undefined ? undefined : iso(to),
});

export function serviceLink(context?: ResourceAttributesContext): { path: string } | undefined {
  const service = context?.attributes?.['service.name']?.[0];
  if (!service || (context?.datasource?.type ?? TEMPO) !== TEMPO) {
    return undefined;
  }
  return { path: at('violations', { service, ...isoRange(context?.timeRange) }) };
}

/** The violations of the trace that a log line names. An hour on both sides of the logs: it may begin before them. */
export function logTraceLink(context?: ResourceAttributesContext): { path: string } | undefined {
  const trace = context?.attributes?.[LOG_TRACE_ID]?.[0];
  if (!trace || !TRACE_ID.test(trace)) {
    return undefined;
  }
  const { from, to } = context?.timeRange ?? {};
  const range = from === undefined || to === undefined ? {} : isoRange({ from: from - HOUR_MS, to: to + HOUR_MS });
  return { path: at('violations', { trace: trace.toLowerCase(), ...range }) };
}

/** The service that a log line is of. Loki gives the resource attribute this name; where it keeps its dot there is no such row. */
export function logServiceLink(context?: ResourceAttributesContext): { path: string } | undefined {
  const service = context?.attributes?.[LOG_SERVICE]?.[0];
  return service ? { path: at('violations', { service, ...isoRange(context?.timeRange) }) } : undefined;
}

/** A field as it is. Grafana gives proxies that refuse to be written to. Of an object that is frozen, as those are that
    Redux keeps, such a proxy throws where a field is an object, too: what it answers is another object than what is there. */
function fieldOf<T extends object, K extends keyof T>(object: T | undefined, name: K): T[K] | undefined {
  return object && Object.getOwnPropertyDescriptor(object, name)?.value;
}

/** The violations of an alert's rule, since an hour before it fired. Our series and our metrics have both labels. */
export function alertLink(context?: AlertInstanceContext): { path: string } | undefined {
  const instance = fieldOf(context, 'instance');
  const labels = fieldOf(instance, 'labels');
  const activeAt = instance?.activeAt;
  const rule = labels?.rule_id;
  if (!rule || !labels?.severity || !RULE_ID.test(rule) || !SEVERITIES.includes(labels.severity)) {
    return undefined;
  }
  const since = Date.parse(activeAt ?? '');
  return { path: at('violations', { rule, from: since > 0 ? iso(since - HOUR_MS) : 'now-1h', to: 'now' }) };
}

/** A value that the page can be asked for: variables of a dashboard (`$rule`) are not known here, so they narrow nothing. */
const isPlain = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '' && !/[$[]/.test(value);
const plain = (value: unknown) => (isPlain(value) ? value.trim() : undefined);

/** Several of which one is not known narrow nothing: the page would hide violations that the query shows. */
function plainList(value: unknown): string[] {
  return Array.isArray(value) && value.every(isPlain) ? value : [];
}

/** What one query of ours narrows, as far as the page can say it: it takes one severity. */
function filtersOf({ ruleIds, severities, framework, service, traceId }: Target): Query {
  const several = plainList(severities);
  return {
    rule: plainList(ruleIds),
    severity: several.length === 1 ? several[0] : undefined,
    framework: plain(framework),
    service: plain(service),
    trace: plain(traceId)?.toLowerCase(),
  };
}

/**
 * The violations of the range of these queries, if they are about traces: of one trace where the query is its id, and with the filters of our query
 * where it is the only one. Several queries mean more than the page can show narrowed, so it shows all.
 */
export function violationsLink(context?: QueriesContext): { path: string } | undefined {
  const targets = context?.targets?.filter((target) => typeOf(target) === TEMPO || typeOf(target) === DATASOURCE_ID) ?? [];
  if (targets.length === 0) {
    return undefined;
  }
  const id = targets.map(({ query }) => (typeof query === 'string' ? query.trim() : '')).find((query) => TRACE_ID.test(query));
  const shown = targets.filter(({ hide }) => hide !== true);
  const filters = shown.length === 1 && typeOf(shown[0]) === DATASOURCE_ID ? filtersOf(shown[0]) : {};
  return { path: at('violations', { ...filters, ...(id ? { trace: id.toLowerCase() } : {}), ...raw(context?.timeRange) }) };
}

/** The text of a query of our data source in the editor, to test it and to save it as a rule. */
export function ruleLink(context?: QueriesContext): { path: string } | undefined {
  const target = context?.targets?.find((one) => typeOf(one) === DATASOURCE_ID && typeof one.dsl === 'string' && one.dsl.trim() !== '');
  return target ? { path: at('rules/new', { dsl: String(target.dsl), ...raw(context?.timeRange) }) } : undefined;
}

/** `configure` is given whatever Grafana has at that point, also things of another version: anything unexpected is no link. */
function carefully<C>(link: (context?: C) => { path: string } | undefined) {
  return (context?: Readonly<C>) => {
    try {
      return link(context);
    } catch {
      return undefined;
    }
  };
}

type Added<C extends object> = PluginExtensionAddedLinkConfig<C>;
const VIOLATIONS = `${PLUGIN_PREFIX}/violations`;

export const LINKS: Array<Added<object>> = [
  {
    title: 'BeTrace violations of this trace',
    description: 'Which rules this trace breaks, and what was missing',
    targets: [TARGETS.traceHeader],
    icon: 'shield-exclamation',
    path: VIOLATIONS,
    configure: carefully(traceLink),
  },
  {
    title: 'BeTrace violations of this service',
    description: 'Violations by traces in which this service takes part',
    targets: [TARGETS.resourceAttributes],
    icon: 'shield-exclamation',
    path: VIOLATIONS,
    // Grafana shows it on the row of this attribute; `category` in Grafana 12, `group` in later ones
    category: 'service.name',
    group: { name: 'service.name' },
    configure: carefully(serviceLink),
  } as Added<object>,
  {
    title: 'BeTrace violations of the trace',
    description: 'Which rules the trace of this log line breaks',
    targets: [TARGETS.logAttributes],
    icon: 'shield-exclamation',
    path: VIOLATIONS,
    category: LOG_TRACE_ID,
    group: { name: LOG_TRACE_ID },
    configure: carefully(logTraceLink),
  } as Added<object>,
  {
    title: 'BeTrace violations of the service',
    description: 'Violations by traces in which the service of this log line takes part',
    targets: [TARGETS.logAttributes],
    icon: 'shield-exclamation',
    path: VIOLATIONS,
    category: LOG_SERVICE,
    group: { name: LOG_SERVICE },
    configure: carefully(logServiceLink),
  } as Added<object>,
  {
    title: 'Violations in BeTrace',
    description: 'The violations that this alert is about, since an hour before it fired',
    targets: [TARGETS.alertInstance],
    icon: 'shield-exclamation',
    path: VIOLATIONS,
    configure: carefully(alertLink),
  },
  {
    title: 'BeTrace violations',
    description: 'Violations of rules in the range of these queries',
    targets: [TARGETS.explore, TARGETS.panel],
    icon: 'shield-exclamation',
    path: VIOLATIONS,
    configure: carefully(violationsLink),
  },
  {
    title: 'New BeTrace rule',
    description: 'Opens the text of this query in the rule editor',
    targets: [TARGETS.explore, TARGETS.panel],
    icon: 'edit',
    path: `${PLUGIN_PREFIX}/rules/new`,
    configure: carefully(ruleLink),
  },
];
