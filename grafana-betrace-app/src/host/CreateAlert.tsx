// The way from a rule to a new alert on it, by the component that Grafana exposes to apps for this, since 12.4. The address of the form
// that it leads to is not for others: what it takes has changed between versions. Without the component there is no button.
import { t } from '@grafana/i18n';
import { config, hasPermission, usePluginComponent } from '@grafana/runtime';
import { Button } from '@grafana/ui';
import { useMemo, useState } from 'react';
import { DATASOURCE_ID } from '../constants';
import { PLAIN } from '../i18n';

export const CREATE_ALERT = 'grafana/alerting/create-alert-from-panel/v1';

/** Grafana's own permission, of editors and admins unless a role says otherwise. */
const MAY_CREATE = 'alert.rule:create';

interface CreateAlertProps {
  panel: { title: string; targets: object[]; datasource: { type: string; uid: string } };
  onDismiss(): void;
}

/** Violations of the rule as one number: what alerts take of our data source. */
const targetOf = (ruleId: string) => ({ refId: 'A', queryType: 'count', instant: true, ruleIds: [ruleId] });

export function CreateAlert({ rule }: { rule: { id: string; name: string } }) {
  const { component: Dialog } = usePluginComponent<CreateAlertProps>(CREATE_ALERT);
  const [isOpen, setIsOpen] = useState(false);
  const uid = Object.values(config.datasources).find((source) => source.type === DATASOURCE_ID)?.uid;
  const panel = useMemo(
    () =>
      uid && {
        title: t('alert.title', 'Violations of {{name}}', { ...PLAIN, name: rule.name }),
        targets: [targetOf(rule.id)],
        datasource: { type: DATASOURCE_ID, uid },
      },
    [uid, rule.id, rule.name]
  );
  if (!Dialog || !panel || !hasPermission(MAY_CREATE)) {
    return null;
  }
  return (
    <>
      <Button variant="secondary" icon="bell" onClick={() => setIsOpen(true)}>
        {t('alert.create', 'Create an alert')}
      </Button>
      {isOpen && <Dialog panel={panel} onDismiss={() => setIsOpen(false)} />}
    </>
  );
}
