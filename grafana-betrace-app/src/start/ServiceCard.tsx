// The service, part by part: what works, what does not and why, what is off and how to turn it on.
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Icon, useStyles2, type IconName } from '@grafana/ui';
import { useHealth, useReady } from '../api/service';
import type { Ready } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { useHost } from '../host/context';
import { Card } from './Card';
import { partsOf, sourceHelp, uptimeText, type Part, type PartState } from './serviceWords';

const ICON: Record<PartState, IconName> = { ready: 'check-circle', unchecked: 'info-circle', not_ready: 'exclamation-triangle', off: 'minus-circle' };

function stateText(state: PartState): string {
  switch (state) {
    case 'ready':
      return t('service.state-ready', 'ready');
    case 'unchecked':
      return t('service.state-unchecked', 'ready, of a version that was not checked');
    case 'not_ready':
      return t('service.state-not-ready', 'not ready');
    case 'off':
      return t('service.state-off', 'off');
  }
}

function PartLine({ part, help }: { part: Part; help: string }) {
  const styles = useStyles2(getStyles);
  return (
    <li className={styles.part} data-state={part.state}>
      <Icon name={ICON[part.state]} className={cx(styles.icon, styles[part.state])} title={stateText(part.state)} />
      <div>
        <strong>{part.text}</strong>
        <div className={styles.note}>{part.note}</div>
        {part.state === 'not_ready' && part.name === 'source' && <div className={styles.note}>{help}</div>}
      </div>
    </li>
  );
}

function statusBadge(status: Ready['status']) {
  switch (status) {
    case 'ready':
      return <Badge color="green" icon="check-circle" text={t('service.ready', 'Ready')} />;
    case 'degraded':
      return <Badge color="orange" icon="exclamation-triangle" text={t('service.degraded', 'Works, with a fault')} />;
    case 'not_ready':
      return <Badge color="red" icon="exclamation-circle" text={t('service.not-ready', 'Not ready')} />;
  }
}

export function ServiceCard() {
  const styles = useStyles2(getStyles);
  const zone = useHost().timeZone();
  const health = useHealth();
  const ready = useReady();
  // also where an older answer is kept: what was ready a while ago says nothing of now
  const error = ready.error ?? health.error;
  if (error) {
    return (
      <Card title={t('service.title', 'Service')}>
        <ErrorState error={error} onRetry={() => void Promise.all([health.refetch(), ready.refetch()])} />
      </Card>
    );
  }
  if (!ready.data) {
    return (
      <Card title={t('service.title', 'Service')}>
        <Loading />
      </Card>
    );
  }
  return (
    <Card title={t('service.title', 'Service')} actions={statusBadge(ready.data.status)}>
      <ul className={styles.list}>
        {partsOf(ready.data, health.data?.metadata.source, zone).map((part) => (
          <PartLine key={part.name} part={part} help={sourceHelp(health.data?.metadata.source)} />
        ))}
      </ul>
      {health.data && (
        <p className={styles.version}>
          {t('service.version', 'BeTrace {{version}}, running for {{uptime}}', { version: health.data.version, uptime: uptimeText(health.data.uptime_seconds) })}
        </p>
      )}
    </Card>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: theme.spacing(1) }),
  part: css({ display: 'flex', gap: theme.spacing(1), '& > div': { minWidth: 0, overflowWrap: 'anywhere' } }),
  icon: css({ flexShrink: 0, marginTop: 2 }),
  ready: css({ color: theme.colors.success.text }),
  unchecked: css({ color: theme.colors.warning.text }),
  not_ready: css({ color: theme.colors.warning.text }),
  off: css({ color: theme.colors.text.secondary }),
  note: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: 0 }),
  version: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize, margin: theme.spacing(1.5, 0, 0) }),
});
