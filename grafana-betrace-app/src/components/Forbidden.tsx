// What somebody may not do, and who can help: for a page, and for a button that is off.
import { t } from '@grafana/i18n';
import { useHost } from '../host/context';
import type { Host } from '../host/types';
import type { Action } from '../permissions';
import { EmptyState } from './EmptyState';

/** Why a write is not offered, for tooltips of disabled buttons; undefined where it is. */
export function writeDisabledReason(allowed: boolean, kind: Host['kind']): string | undefined {
  if (allowed) {
    return undefined;
  }
  if (kind === 'shell') {
    return t('forbidden.shell', 'You may read here, not change. An administrator of this server can allow more.');
  }
  return kind === 'grafana'
    ? t('forbidden.grafana', 'You may read here, not change. An editor or administrator of this Grafana can.')
    : t('forbidden.standalone', 'The token that you gave is a viewer’s: it may read, not change.');
}

export function useWriteDisabledReason(action: Action): string | undefined {
  const host = useHost();
  return writeDisabledReason(host.hasPermission(action), host.kind);
}

/** A page or part that this user may not see. */
export function Forbidden({ action }: { action: Action }) {
  return (
    <EmptyState icon="lock" title={t('forbidden.title', 'You have no access to this page')}>
      {t('forbidden.ask', 'Ask an administrator of this Grafana for a role with the permission {{action}}.', { action })}
    </EmptyState>
  );
}
