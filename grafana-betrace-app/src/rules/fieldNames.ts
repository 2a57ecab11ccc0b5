// Words for the fields of a rule.
import { t } from '@grafana/i18n';
import type { Draft } from './draft';

/** What the fields of a rule are called on the page. */
export function fieldName(field: keyof Draft): string {
  const names: Record<keyof Draft, string> = {
    id: t('rule.field.id', 'Id'),
    name: t('rule.field.name', 'Name'),
    description: t('rule.field.description', 'Description'),
    dsl: t('rule.field.dsl', 'Rule'),
    severity: t('rule.field.severity', 'Severity'),
    enabled: t('rule.field.enabled', 'Enabled'),
    shadow: t('rule.field.shadow', 'Shadow'),
    watch_all: t('rule.field.watch-all', 'Watch every trace'),
    labels: t('rule.field.labels', 'Labels'),
    annotations: t('rule.field.annotations', 'Annotations'),
    settle: t('rule.field.settle', 'Settle'),
    margin: t('rule.field.margin', 'Margin'),
    clock_skew: t('rule.field.clock-skew', 'Clock skew'),
    require_complete: t('rule.field.require-complete', 'Require complete traces'),
    budget: t('rule.field.budget', 'Budget'),
    links_sampled: t('rule.field.links-sampled', 'Traces are dropped one by one'),
    store: t('rule.field.store', 'Store'),
  };
  return names[field];
}
