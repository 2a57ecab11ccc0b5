// Frameworks: those with rules first, because only of those a report says something.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { useStyles2 } from '@grafana/ui';
import { lazy, Suspense } from 'react';
import { Link } from 'react-router-dom';
import { useFrameworks, type Framework } from '../../api/compliance';
import { EmptyState } from '../../components/EmptyState';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { PageFrame } from '../../host/context';
import { useUrls } from '../../routing/useUrls';

/** With the packs' texts, which no other part of this page needs. */
const PackOffers = lazy(() => import('../../packs/PackOffers'));

function ruleText({ rules_count: n, rules, controls, controls_with_rules: withRules, in_catalogue: known }: Framework): string {
  if (n === 0) {
    return t('compliance.list-none', 'No rule stands for it');
  }
  const idle = rules.filter((rule) => !rule.enabled || rule.shadow || rule.broken).length;
  const text = known
    ? t('compliance.list-controls', 'Rules: {{n}}; controls with rules: {{with}} of {{controls}}', { n, with: withRules, controls })
    : t('compliance.list-own', 'Rules: {{n}}; controls: {{with}}', { n, with: withRules });
  return idle ? `${text}; ${t('compliance.list-idle', 'disabled, on trial or broken: {{idle}}', { idle })}` : text;
}

function Row({ framework }: { framework: Framework }) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  return (
    <li className={styles.row}>
      <Link to={to.framework(framework.name)} className={styles.name}>
        {framework.title || framework.name}
      </Link>
      <span className={styles.text}>{ruleText(framework)}</span>
    </li>
  );
}

function List({ frameworks }: { frameworks: Framework[] }) {
  const styles = useStyles2(getStyles);
  const withRules = frameworks.filter((one) => one.rules_count > 0);
  const others = frameworks.filter((one) => one.rules_count === 0);
  return (
    <>
      {withRules.length === 0 && (
        <EmptyState icon="clipboard-alt" title={t('compliance.empty', 'No rule stands for a control yet')}>
          {t('compliance.empty-text', 'A rule says so in its text, @SOC2(controls = CC6_1), or in its annotations, soc2_control: CC6.1. Reports then say what the traces show of that control.')}
        </EmptyState>
      )}
      {withRules.length > 0 && (
        <ul className={styles.list}>
          {withRules.map((framework) => (
            <Row key={framework.name} framework={framework} />
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <Suspense fallback={null}>
          <PackOffers frameworks={others.map((framework) => framework.name)} />
        </Suspense>
      )}
      {others.length > 0 && (
        <>
          <h2 className={styles.heading}>{t('compliance.others', 'In the catalogue, without rules')}</h2>
          <ul className={styles.list}>
            {others.map((framework) => (
              <Row key={framework.name} framework={framework} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

export default function Compliance() {
  const frameworks = useFrameworks();
  return (
    <PageFrame title={t('compliance.title', 'Compliance')} subTitle={t('compliance.subtitle', 'What the traces show of the controls that rules stand for')}>
      {frameworks.isPending && <Loading />}
      <QuestionProblem asked={frameworks} />
      {frameworks.data && <List frameworks={frameworks.data.frameworks} />}
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0 }),
  row: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5, 2), padding: theme.spacing(1, 0), borderBottom: `1px solid ${theme.colors.border.weak}` }),
  name: css({ color: theme.colors.text.link, flex: '0 1 420px', minWidth: 0 }),
  text: css({ color: theme.colors.text.secondary }),
  heading: css({ ...theme.typography.h4, marginTop: theme.spacing(3) }),
});
