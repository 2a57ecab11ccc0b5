// The data source in the browser: defaults, variables, and what is sent. Everything else is asked of the Go half (pkg/), which alerting uses without any of this.
import { CoreApp, type AnnotationSupport, type DataQueryRequest, type DataQueryResponse, type DataSourceInstanceSettings, type MetricFindValue, type ScopedVars } from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv } from '@grafana/runtime';
import type { Observable } from 'rxjs';
import type { Completion, Hover, Language } from '../api/types';
import type { Place } from '../editor/register';
import { askInParts, comesInParts } from './parts';
import type { BetraceOptions, BetraceQuery, RuleItem, Validation, VariableQuery } from './types';
import { BetraceVariables } from './variables';

/** Between the values of a variable: no id, label or severity holds it. */
const BETWEEN = '\n';

export class BetraceDataSource extends DataSourceWithBackend<BetraceQuery, BetraceOptions> {
  annotations: AnnotationSupport<BetraceQuery> = {
    getDefaultQuery: () => ({ queryType: 'annotations' }),
    // an annotation that was made from another query is still one
    prepareQuery: (annotation) => (annotation.target ? { ...annotation.target, refId: 'Anno', queryType: 'annotations' } : undefined),
  };

  constructor(settings: DataSourceInstanceSettings<BetraceOptions>) {
    super(settings);
    this.variables = new BetraceVariables(this);
  }

  getDefaultQuery(app: CoreApp): Partial<BetraceQuery> {
    switch (app) {
      case CoreApp.UnifiedAlerting:
      case CoreApp.CloudAlerting:
        return { queryType: 'count', instant: true };
      case CoreApp.Explore:
        return { queryType: 'violations' };
      default:
        return { queryType: 'count' };
    }
  }

  /** An ad-hoc query without a text yet is not sent: without a text it would mean every rule. */
  filterQuery(query: BetraceQuery): boolean {
    return query.dsl === undefined || query.dsl.trim() !== '';
  }

  /** What takes long is shown as it comes. Alert rules are shown what their evaluation, which waits, will get. */
  query(request: DataQueryRequest<BetraceQuery>): Observable<DataQueryResponse> {
    const isAlert = request.app === CoreApp.UnifiedAlerting || request.app === CoreApp.CloudAlerting;
    return isAlert || !request.targets.some(comesInParts) ? super.query(request) : askInParts(request, (next) => super.query(next));
  }

  applyTemplateVariables(query: BetraceQuery, scopedVars: ScopedVars): BetraceQuery {
    const one = (text: string | undefined) => (text ? getTemplateSrv().replace(text, scopedVars) : text);
    return {
      ...query,
      ruleIds: expand(query.ruleIds, scopedVars),
      severities: expand(query.severities, scopedVars),
      labels: query.labels && Object.fromEntries(Object.entries(query.labels).map(([key, value]) => [key, one(value) ?? value])),
      framework: one(query.framework),
      service: one(query.service),
      traceId: one(query.traceId),
      step: one(query.step),
      dsl: one(query.dsl),
    };
  }

  /** Dashboards ask for this instead of applyTemplateVariables when a query is shown or exported. */
  interpolateVariablesInQueries(queries: BetraceQuery[], scopedVars: ScopedVars): BetraceQuery[] {
    return queries.map((query) => ({ ...this.applyTemplateVariables(query, scopedVars), datasource: this.getRef() }));
  }

  getQueryDisplayText(query: BetraceQuery): string {
    const of = query.dsl ?? (query.ruleIds?.length ? query.ruleIds.join(', ') : '*');
    return `${query.queryType ?? 'violations'}: ${of}`;
  }

  /** Of the dashboard, as a query writes them. */
  variableNames(): string[] {
    return getTemplateSrv()
      .getVariables()
      .map((variable) => `$${variable.name}`);
  }

  rules(): Promise<RuleItem[]> {
    return this.getResource<RuleItem[]>('rules');
  }

  names(kind: 'severities' | 'frameworks' | 'services'): Promise<string[]> {
    return this.getResource<string[]>(kind);
  }

  labels(): Promise<Record<string, string[]>> {
    return this.getResource<Record<string, string[]>>('labels');
  }

  validate(dsl: string): Promise<Validation> {
    return this.postResource<Validation>('validate', { dsl });
  }

  /** The words of BeTraceDSL, asked for once. */
  language(): Promise<Language> {
    this.words ??= this.getResource<Language>('language').catch((error) => {
      this.words = undefined;
      throw error;
    });
    return this.words;
  }
  private words?: Promise<Language>;

  complete(place: Place): Promise<Completion> {
    return this.postResource<Completion>('complete', place);
  }

  hover(place: Place): Promise<Hover> {
    return this.postResource<Hover>('hover', place);
  }

  /** Older ways to ask for the values of a variable come here. */
  async metricFindQuery(query: VariableQuery | string): Promise<MetricFindValue[]> {
    const { kind = 'rules', label } = typeof query === 'string' ? { kind: query as VariableQuery['kind'], label: undefined } : query;
    if (kind === 'rules') {
      return (await this.rules()).map((rule) => ({ text: rule.name || rule.id, value: rule.id }));
    }
    if (kind === 'labels') {
      const labels = await this.labels();
      return (label ? (labels[label] ?? []) : Object.keys(labels).sort()).map((text) => ({ text, value: text }));
    }
    return (await this.names(kind)).map((text) => ({ text, value: text }));
  }
}

/** A variable of several values becomes several entries. One that has no value stays as it is: the Go half then says so, where an empty list would mean every rule. */
function expand(texts: string[] | undefined, scopedVars: ScopedVars): string[] | undefined {
  return texts?.flatMap((text) => {
    const values = getTemplateSrv()
      .replace(text, scopedVars, (value: string | string[]) => (Array.isArray(value) ? value.join(BETWEEN) : value))
      .split(BETWEEN)
      .filter((value) => value !== '');
    return values.length ? values : [text];
  });
}
