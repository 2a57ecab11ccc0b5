// The link to a rule's runbook. Annotations are free text of whoever wrote the rule: only an address of the web becomes a link.
import { t } from '@grafana/i18n';
import type { Rule } from '../api/types';

export function runbookOf(rule: Pick<Rule, 'annotations'> | undefined): string | null {
  const text = rule?.annotations.runbook_url?.trim() ?? '';
  return /^https?:\/\/\S+$/i.test(text) ? text : null;
}

export function Runbook({ rule }: { rule: Pick<Rule, 'annotations'> | undefined }) {
  const address = runbookOf(rule);
  return address === null ? null : (
    <a href={address} rel="noreferrer" title={address}>
      {t('runbook.link', 'Runbook')}
    </a>
  );
}
