// What came of a comparison at a glance, never without what it rests on.
import { t } from '@grafana/i18n';

import type { Changes } from '../api/types';
import { List } from '../components/List';
import { SummaryBox, type SummaryTone } from '../components/SummaryBox';
import { useHost } from '../host/context';
import { leftOut, summaryOf, type Tone } from './changeWords';

const TONE: Record<Tone, SummaryTone> = { changed: 'bad', same: 'good', unknown: 'unknown' };

export function ChangesSummary({ answer }: { answer: Changes }) {
  const { tone, headline, notes } = summaryOf(answer, useHost().timeZone());
  const missing = leftOut(answer);
  return (
    <SummaryBox
      label={t('changes.summary', 'What came of it')}
      tone={TONE[tone]}
      icon={tone === 'changed' ? 'exchange-alt' : undefined}
      headline={headline}
      notes={missing.length > 0 ? [...notes, t('changes.left-out', 'Not compared:')] : notes}
    >
      {missing.length > 0 && (
        <List>
          {missing.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </List>
      )}
    </SummaryBox>
  );
}
