// What to do first, while something is missing. Gone once there are rules and traces.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { LinkButton, useStyles2 } from '@grafana/ui';
import { PLAIN } from '../i18n';
import { useWriteDisabledReason } from '../components/Forbidden';
import { ACTIONS } from '../permissions';
import { useUrls } from '../routing/useUrls';
import { Card } from './Card';
import { sourceHelp } from './serviceWords';

export function NoRules() {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const mayNot = useWriteDisabledReason(ACTIONS.writeRules);
  return (
    <Card title={t('start.first.title', 'Write the first rule')}>
      <p>{t('start.first.text', 'A rule says what must be true of a trace. BeTrace then tells which traces of the past broke it, when that started, and what it could not read.')}</p>
      <ol className={styles.list}>
        <li>{t('start.first.write', 'Write one, and see at once how it would have done over the last 24 hours; or import a file of rules, such as the packs that come with BeTrace (distribution/packs).')}</li>
        <li>{t('start.first.replay', 'Replay it over a longer time: when did it start?')}</li>
        <li>{t('start.first.alert', 'Let the service watch it, and be told.')}</li>
      </ol>
      {mayNot ? (
        <p>{mayNot}</p>
      ) : (
        <div className={styles.actions}>
          <LinkButton icon="plus" href={to.newRule()}>
            {t('start.first.new', 'Write a rule')}
          </LinkButton>
          <LinkButton variant="secondary" icon="import" href={to.rules()}>
            {t('start.first.import', 'Import rules')}
          </LinkButton>
          <LinkButton variant="secondary" icon="play" href={to.replays({ what: 'dsl' })}>
            {t('start.first.try', 'Try one without saving it')}
          </LinkButton>
        </div>
      )}
    </Card>
  );
}

/** Without traces nothing can be said, whatever the rules are. */
export function NoSource({ reason }: { reason: string }) {
  return (
    <Card title={t('start.source.title', 'Connect Tempo')}>
      <p>{t('start.source.text', 'The service does not reach its traces, so it can answer nothing: {{reason}}', { ...PLAIN, reason })}</p>
      <p>{sourceHelp()}</p>
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ paddingLeft: theme.spacing(3), marginBottom: theme.spacing(2) }),
  actions: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
});
