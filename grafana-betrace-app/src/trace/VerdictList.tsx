// What every enabled rule says of this trace: what it violates and what is left open, and the others on a click.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Button, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import type { TraceVerdicts } from '../api/types';
import { SeverityBadge } from '../components/SeverityBadge';
import { reasonText, VerdictBadge } from '../components/VerdictBadge';
import { useUrls } from '../routing/useUrls';

type RuleVerdict = TraceVerdicts['verdicts'][number];
const ORDER: Record<RuleVerdict['verdict'], number> = { violated: 0, inconclusive: 1, satisfied: 2, not_applicable: 3 };

function Row({ item, traceId, isShown, search }: { item: RuleVerdict; traceId: string; isShown: boolean; search: string }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <li className={cx(styles.row, isShown && styles.shown)} aria-current={isShown ? 'true' : undefined}>
      <VerdictBadge verdict={item.verdict} reason={item.reason} />
      <SeverityBadge severity={item.severity} />
      {item.verdict === 'violated' && !isShown ? (
        <Link to={to.violation(item.rule_id, traceId) + search}>{item.rule_name}</Link>
      ) : (
        <Link to={to.rule(item.rule_id)}>{item.rule_name}</Link>
      )}
      {isShown && <span className={styles.note}>{t('trace.verdicts.shown', 'shown above')}</span>}
      {item.shadow && (
        <Badge
          text={t('trace.verdicts.shadow', 'Shadow')}
          color="blue"
          tooltip={t('trace.verdicts.shadow-text', 'Shown, and never sent or alerted')}
        />
      )}
      {item.reason && <span className={styles.note}>{reasonText(item.reason)}</span>}
    </li>
  );
}

export function VerdictList({ verdicts, ruleId, search }: { verdicts: TraceVerdicts; ruleId: string; search: string }) {
  const styles = useStyles2(getStyles);
  const sorted = [...verdicts.verdicts].sort((a, b) => ORDER[a.verdict] - ORDER[b.verdict] || (a.rule_id < b.rule_id ? -1 : 1));
  const [isOpen, setIsOpen] = useState(false);
  const first = sorted.filter((item) => ORDER[item.verdict] < ORDER.satisfied || item.rule_id === ruleId);
  const rest = sorted.filter((item) => !first.includes(item));
  const kept = rest.filter(({ verdict }) => verdict === 'satisfied').length;
  return (
    <section className={styles.section} aria-label={t('trace.verdicts.label', 'All rules on this trace')}>
      <h2 className={styles.title}>{t('trace.verdicts.label', 'All rules on this trace')}</h2>
      <ul className={styles.list}>
        {[...first, ...(isOpen ? rest : [])].map((item) => (
          <Row key={item.rule_id} item={item} traceId={verdicts.trace_id} isShown={item.rule_id === ruleId} search={search} />
        ))}
        {verdicts.not_evaluated.map((item) => (
          <li key={item.rule_id} className={styles.row}>
            <Badge text={t('trace.verdicts.not-evaluated', 'Not evaluated')} color="orange" icon="exclamation-triangle" />
            {item.rule_id} <span className={styles.note}>{item.reason}</span>
          </li>
        ))}
      </ul>
      {first.length + verdicts.not_evaluated.length === 0 && <p className={styles.note}>{t('trace.verdicts.none', 'The trace violates none of them, and none is left open.')}</p>}
      {rest.length > 0 && (
        <Button size="sm" variant="secondary" fill="text" icon={isOpen ? 'angle-down' : 'angle-right'} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {t('trace.verdicts.rest', 'Rules that it keeps: {{kept}}; rules that are not about it: {{other}}', { kept, other: rest.length - kept })}
        </Button>
      )}
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  section: css({ marginTop: theme.spacing(3), '& a': { color: theme.colors.text.link } }),
  title: css({ fontSize: theme.typography.h4.fontSize }),
  list: css({ listStyle: 'none', padding: 0, margin: 0 }),
  row: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0.5),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
  }),
  shown: css({ background: theme.colors.background.secondary }),
  note: css({ color: theme.colors.text.secondary }),
});
