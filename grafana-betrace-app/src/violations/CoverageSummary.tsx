// How many violations, of how many traces, and what the list says nothing of.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Icon, useStyles2, type IconName } from '@grafana/ui';

import type { ViolationPage } from '../api/types';
import { useHost } from '../host/context';
import { LookedAt } from './LookedAt';
import { coverageInWords, isStillLooking, totalInWords, type CoverageWords } from './coverageWords';

const ICON: Record<CoverageWords['tone'], IconName> = {
  whole: 'check-circle',
  partial: 'exclamation-triangle',
  nothing: 'exclamation-triangle',
};

export function CoverageSummary({ page, loaded }: { page: ViolationPage; loaded: number }) {
  const styles = useStyles2(getStyles);
  const { tone, headline, notes } = coverageInWords(page, useHost().timeZone());
  return (
    <section className={styles.box} aria-label={t('violations.coverage.label', 'What was looked at')} data-tone={tone} data-state={tone === 'whole' ? undefined : 'partial'}>
      <div className={styles.line}>
        <strong>{totalInWords(loaded, page.total_count)}</strong>
        {page.estimated && <span className={styles.partial}>{page.estimated.text}</span>}
        <span className={tone === 'whole' ? styles.whole : styles.partial}>
          <Icon name={ICON[tone]} /> {headline}
        </span>
        {isStillLooking(page) && <LookedAt coverage={page.coverage} />}
      </div>
      {notes.length > 0 && (
        <ul className={styles.notes}>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({ padding: theme.spacing(1, 0) }),
  line: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5, 2) }),
  whole: css({ color: theme.colors.text.secondary }),
  partial: css({ color: theme.colors.warning.text }),
  notes: css({
    margin: theme.spacing(0.5, 0, 0),
    paddingLeft: theme.spacing(2.5),
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
});
