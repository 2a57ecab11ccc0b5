// Under a list that is empty: of which rules that says nothing, because no trace is about them, or because nobody knows whether one is.
import { t } from '@grafana/i18n';

import type { Coverage, Series } from '../api/types';
import { isUnevaluated, useSeries } from '../api/violations';
import { PLAIN } from '../i18n';
import { stepFor } from './buckets';
import { seriesQuery, type ViolationFilters } from './filters';
import { isWithoutTraces, openFrom, startOf, stepOf, valueOf } from './steps';

const NAMED = 5;

type Known = 'exercised' | 'idle' | 'unknown';

export function exercisedOf(exercised: Series, points: Series['series'][number]['points']): Known {
  const stepMs = stepOf(exercised);
  const open = openFrom(exercised, points, stepMs);
  if (points.some((point) => (valueOf(point) ?? 0) > 0)) {
    return 'exercised';
  }
  // No trace at all is no trace about the rule, where there are traces besides.
  const isKnown = (point: (typeof points)[number]) => valueOf(point) !== null || startOf(point) >= open || isWithoutTraces(exercised.coverage, startOf(point), startOf(point) + stepMs);
  const hasCounts = points.some((point) => valueOf(point) !== null);
  return exercised.coverage.complete && hasCounts && points.every(isKnown) ? 'idle' : 'unknown';
}

function names(exercised: Series, known: Known): string {
  const all = exercised.series.filter(({ points }) => exercisedOf(exercised, points) === known).map(({ labels }) => labels.rule || labels.rule_id);
  const more = all.length - NAMED;
  return all.slice(0, NAMED).join(', ') + (more > 0 ? t('violations.exercised.more', ' and {{n}} more', { n: more }) : '');
}

export function exercisedInWords(exercised: Series): string[] {
  const idle = names(exercised, 'idle');
  const unknown = names(exercised, 'unknown');
  const isSoFar = Boolean(exercised.coverage.provisional_from);
  return [
    ...(idle && isSoFar ? [t('violations.exercised.idle-yet', 'No trace was about {{names}} so far: nothing could break it.', { ...PLAIN, names: idle })] : []),
    ...(idle && !isSoFar ? [t('violations.exercised.idle', 'No trace was about {{names}}: nothing could break it.', { ...PLAIN, names: idle })] : []),
    ...(unknown ? [t('violations.exercised.unknown', 'Whether traces were about {{names}} is not known.', { ...PLAIN, names: unknown })] : []),
  ];
}

export function NotExercised({ filters, coverage: { asked } }: { filters: ViolationFilters; coverage: Coverage }) {
  const step = stepFor(Date.parse(asked.end) - Date.parse(asked.start), 24);
  const exercised = useSeries({ ...seriesQuery(filters, asked, step), value: 'exercised' });
  if (exercised.error) {
    return <div>{t('violations.exercised.failed', 'Whether traces were about these rules could not be asked.')}</div>;
  }
  if (!exercised.data || isUnevaluated(exercised.data)) {
    return <div role="status">{t('violations.exercised.asking', 'Looking whether traces were about these rules…')}</div>;
  }
  return exercisedInWords(exercised.data).map((line) => <div key={line}>{line}</div>);
}
