// What sets the violating traces apart around the time when a problem's rate rose: asked for the few problems that are shown first, one question after the other.
import { t } from '@grafana/i18n';
import { useQuery } from '@tanstack/react-query';
import { leading } from '../api/bounded';
import { useApi } from '../api/context';
import type { Contrast, FoundProblem, RateChange } from '../api/types';
import { PLAIN } from '../i18n';

/** Of so many problems that rose it is asked. */
const ASKED = 3;
/** Attributes that are named. */
const NAMED = 3;
/** Before it rose there are traces of the old version to compare with. */
const AROUND_MS = 3 * 3600_000;

export interface Around {
  start: string;
  end: string;
}

/** The change that made it what it is now. Of one that fell nobody asks at night. */
export function lastRise({ changes }: FoundProblem): RateChange | null {
  const last = changes?.at(-1);
  return last?.direction === 'rose' ? last : null;
}

/** Within the range that was asked for. */
export function aroundRises(problems: readonly FoundProblem[], range: Around): ReadonlyMap<string, Around> {
  const ms = (time: string) => Date.parse(time);
  const risen = problems.flatMap((problem) => {
    const rise = lastRise(problem);
    return rise ? [{ id: problem.id, at: ms(rise.at) }] : [];
  });
  return new Map(
    risen.slice(0, ASKED).map(({ id, at }) => {
      const start = new Date(Math.max(ms(range.start), at - AROUND_MS)).toISOString();
      const end = new Date(Math.min(ms(range.end), at + AROUND_MS)).toISOString();
      return [id, { start, end }];
    })
  );
}

/** Waits for its turn, and is cancelled when the page goes. */
export function useSetApart(ruleId: string, around: Around) {
  const api = useApi();
  return useQuery({
    queryKey: ['contrast', ruleId, around],
    queryFn: ({ signal }) => leading(signal, () => api.get('/v1/rules/{id}/contrast', { path: { id: ruleId }, query: { ...around, timeout: '20s' }, signal })),
    staleTime: Infinity,
  });
}

export type Finding = Contrast['findings'][number];

/** Attributes of the process say more about a rollout than those of a span, and often the same. */
const isOfProcess = ({ kind }: Finding) => kind === 'resource_attribute';

/** What violating traces have more often; of findings that the same traces have with the same value, one. */
export function namedFindings({ findings }: Contrast): Finding[] {
  const sameAs = (a: Finding) => (b: Finding) => a.value !== null && a.value === b.value && a.violating.traces === b.violating.traces && a.satisfying.traces === b.satisfying.traces;
  const more = findings.filter(({ in_violating: side }) => side === 'more_often');
  const ordered = [...more.filter(isOfProcess), ...more.filter((one) => !isOfProcess(one))];
  return ordered.filter((one, at) => ordered.findIndex(sameAs(one)) === at || one.value === null).slice(0, NAMED);
}

export function findingName({ kind, relation, key, value }: Finding): string {
  const values = { ...PLAIN, key: key ?? '', value: value ?? '' };
  if (kind === 'span_name') {
    return t('violations.apart.span', 'span {{value}}', values);
  }
  if (kind === 'service') {
    return t('violations.apart.service', 'service {{value}}', values);
  }
  switch (relation) {
    case 'above':
      return t('violations.apart.above', '{{key}} above {{value}}', values);
    case 'present':
      return t('violations.apart.present', 'any {{key}}', values);
    case 'is':
      return t('violations.apart.is', '{{key}} {{value}}', values);
  }
}

/** What violating traces were compared with. */
export function otherSide(compared: Contrast['compared_with'], count: number): string {
  const values = { ...PLAIN, n: count.toLocaleString() };
  return compared === 'satisfying'
    ? t('violations.apart.keeping', '{{n}} that keep it', values)
    : t('violations.apart.same-entry', '{{n}} others that begin with the same span and do not violate it', values);
}

/** Why nothing is named. That nothing was found is said only where both samples were read. */
export function noneInWords({ status, reason, conclusion, violating, satisfying, findings, compared_with: compared, findings_unsure: unsure }: Contrast): string {
  if (status !== 'completed' && status !== 'sampled') {
    return t('violations.apart.unknown', 'What sets its traces apart is not known: {{why}}', { ...PLAIN, why: reason ?? status });
  }
  const values = { ...PLAIN, violating: violating.sampled.toLocaleString(), others: otherSide(compared, satisfying.sampled), n: unsure };
  const lost = unsure > 0 ? ` ${t('violations.apart.unsure', '{{n}} may, and nobody knows, because some traces lost attributes or spans.', values)}` : '';
  if (conclusion === 'too_few_traces') {
    return t('violations.apart.few', 'Too few traces to tell what sets its traces apart: {{violating}} that violate the rule, {{others}}.', values);
  }
  return findings.length > 0
    ? t('violations.apart.lack', 'Its traces only lack what others have.')
    : t('violations.apart.none', 'No attribute and no name is known to set its traces apart: {{violating}} that violate the rule were compared with {{others}}.', values) + lost;
}

/** How far the shares of both sides lie apart, from 0 to 1. */
export const strengthOf = ({ violating, satisfying }: Finding): number => Math.abs(violating.traces / violating.of - satisfying.traces / satisfying.of);

/** Of findings that are equally strong the surest stays first. */
export const byStrength = (findings: readonly Finding[]): Finding[] => [...findings].sort((a, b) => strengthOf(b) - strengthOf(a));
