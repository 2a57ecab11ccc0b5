// What keeps the drawn trace, and the verdicts on it, from being the last word: each in a sentence.
import { t } from '@grafana/i18n';
import { Alert } from '@grafana/ui';

import { PLAIN } from '../i18n';
import type { TraceVerdicts } from '../api/types';
import type { TraceLayout } from './layout';

function incompleteText(reason: TraceVerdicts['incomplete'][number]): string {
  switch (reason) {
    case 'unsettled':
      return t('trace.notice.unsettled', 'It is so young that more spans may come: what is missing now may still arrive.');
    case 'partial':
      return t('trace.notice.partial', 'The source says that it does not give all of it.');
    case 'pruned':
      return t('trace.notice.pruned', 'Spans that were alike were summed up before it was stored: a summary stands for several that are not there.');
    case 'missing_parents':
      return t(
        'trace.notice.missing-parents',
        'Some spans name a parent that is not there: spans were lost, were not sampled, or come later.'
      );
  }
}

/** Sentences about what is not there, or not drawn. */
export function traceNotices(verdicts: TraceVerdicts, layout: TraceLayout, lostWitnesses: number): string[] {
  const notices = verdicts.incomplete.map(incompleteText);
  if (verdicts.span_count > layout.spans.length) {
    const values = { shown: layout.spans.length, all: verdicts.span_count };
    notices.push(
      t(
        'trace.notice.cut',
        'The first {{shown}} of its {{all}} spans are drawn, and every witness. Parents may be among those that are not.',
        { ...PLAIN, ...values }
      )
    );
  }
  if (lostWitnesses > 0) {
    notices.push(t('trace.notice.lost-witnesses', '{{n}} witnesses are not among these spans (any more).', { ...PLAIN, n: lostWitnesses }));
  }
  return notices;
}

export function TraceNotices({ notices }: { notices: readonly string[] }) {
  if (!notices.length) {
    return null;
  }
  return (
    <Alert severity="warning" title={t('trace.notice.title', 'This may not be the whole trace')} data-state="partial">
      {notices.map((text) => (
        <div key={text}>{text}</div>
      ))}
    </Alert>
  );
}
