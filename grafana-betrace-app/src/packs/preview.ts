// How a rule that is not stored would have done over the last day. Nothing is stored for it. A rule that no trace broke may be one that no trace is
// about, so then it is asked too how many traces exercised it.
import { t } from '@grafana/i18n';
import { useQuery } from '@tanstack/react-query';
import { bounded } from '../api/bounded';
import { useApi } from '../api/context';
import type { Series, ViolationPage } from '../api/types';
import { coverageFacts, lacksTraces } from '../components/CoverageNotice';
import { PLAIN } from '../i18n';
import { reasonSentence } from '../violations/coverageWords';

const AT_ONCE = 2;
const MOST = 200;
const DAY = { start: 'now-24h', end: 'now', timeout: '20s' };
const STALE_MS = 10 * 60_000;

/** One queue for all packs of a page. */
const ask = bounded(AT_ONCE);

export interface Exercised {
  /** of the hours that are known */
  traces: number;
  known: number;
  hours: number;
}

export interface Preview {
  page: ViolationPage;
  /** null: it was not asked for, because traces broke the rule */
  exercised: Exercised | null;
}

export function exercisedOf(series: Series): Exercised {
  const hours = series.series.flatMap(({ points }) => points.map((point) => point[1]));
  const known = hours.filter((value): value is number => typeof value === 'number');
  return { traces: known.reduce((sum, value) => sum + value, 0), known: known.length, hours: hours.length };
}

/** Asked while somebody looks: leaving the page, or folding the pack, ends it at the service too. */
export function usePreview(dsl: string, isWanted: boolean) {
  const api = useApi();
  return useQuery({
    queryKey: ['violations', 'preview', dsl],
    queryFn: ({ signal }) =>
      ask(signal, async (): Promise<Preview> => {
        const page = await api.post('/v1/violations/query', { body: { dsl, ...DAY, limit: MOST }, signal });
        if (page.violations.length > 0) {
          return { page, exercised: null };
        }
        const series = await api.post('/v1/violations/series', { body: { dsl, ...DAY, step: '1h', value: 'exercised' }, signal });
        return { page, exercised: exercisedOf(series) };
      }),
    enabled: isWanted,
    staleTime: STALE_MS,
    gcTime: STALE_MS,
  });
}

/** broken: traces broke it. kept: traces are about it and none broke it. idle: no trace is about it. partial: not all was read. nothing: no trace at all. */
export type PreviewState = 'broken' | 'kept' | 'idle' | 'partial' | 'nothing';

export interface PreviewWords {
  state: PreviewState;
  text: string;
}

function brokenText({ total_count: total, violations, estimated }: ViolationPage): string {
  if (estimated) {
    return t('packs.broken-sampled', 'Broken by traces: {{text}}', { ...PLAIN, text: estimated.text });
  }
  return total === null
    ? t('packs.broken-at-least', 'Broken by {{n}} traces at least', { n: violations.length.toLocaleString() })
    : t('packs.broken', 'Broken by {{n}} traces', { n: total.toLocaleString() });
}

export function previewWords({ page, exercised }: Preview): PreviewWords {
  if (page.violations.length > 0) {
    return { state: 'broken', text: brokenText(page) };
  }
  if (coverageFacts(page.coverage, 'utc').state === 'no_data') {
    return { state: 'nothing', text: t('packs.nothing', 'There is no trace in the last day, so nothing can be said') };
  }
  if (page.total_count === null) {
    const reason = reasonSentence(page.reason) || t('packs.unread', 'something could not be read');
    return { state: 'partial', text: t('packs.partial', 'None found, but not everything was read: {{reason}}', { ...PLAIN, reason }) };
  }
  if (!exercised || exercised.known === 0) {
    return { state: 'partial', text: t('packs.unknown', 'No trace broke it; whether any trace is about it is not known') };
  }
  if (exercised.traces > 0 && lacksTraces(page.coverage)) {
    const text = page.estimated?.text ?? page.coverage.sampling.text;
    return { state: 'partial', text: t('packs.none-kept', 'None found among the traces that were kept: {{text}}', { ...PLAIN, text }) };
  }
  if (exercised.traces > 0 && page.coverage.provisional_from) {
    return { state: 'kept', text: t('packs.kept-yet', 'Kept so far by the traces that are about it: {{n}} at least', { n: exercised.traces.toLocaleString() }) };
  }
  if (exercised.traces > 0) {
    return { state: 'kept', text: t('packs.kept', 'Kept by the traces that are about it: {{n}} at least', { n: exercised.traces.toLocaleString() }) };
  }
  // the newest hour is never known, and so is one without any trace
  const { known, hours } = exercised;
  return { state: 'idle', text: t('packs.idle', 'No trace is about it in the hours that are known: {{known}} of {{hours}}', { known, hours }) };
}
