// Every field of a rule but its text.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Collapse, Combobox, Field, Input, Stack, Switch, TextArea, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { SEVERITIES } from '../api/types';
import { severityText } from '../components/SeverityBadge';
import type { Draft } from './draft';
import { fieldName } from './fieldNames';
import { PairsField } from './PairsField';

export type FieldErrors = Partial<Record<keyof Draft, string>>;

interface Props {
  draft: Draft;
  edit(change: Partial<Draft>): void;
  errors: FieldErrors;
  isNew: boolean;
  disabled: boolean;
}

type TextName = 'id' | 'name' | 'settle' | 'margin' | 'clock_skew' | 'budget' | 'store';

function TextField({
  name,
  description,
  placeholder,
  required,
  ...props
}: Props & { name: TextName; description?: string; placeholder?: string; required?: boolean }) {
  const { draft, edit, errors, disabled } = props;
  return (
    <Field
      label={fieldName(name)}
      description={description}
      required={required}
      invalid={Boolean(errors[name])}
      error={errors[name]}
      disabled={disabled}
      noMargin
    >
      <Input
        id={`rule-${name}`}
        value={draft[name]}
        placeholder={placeholder}
        maxLength={256}
        disabled={disabled}
        onChange={(event) => edit({ [name]: event.currentTarget.value })}
      />
    </Field>
  );
}

function SwitchField({
  name,
  description,
  draft,
  edit,
  disabled,
}: Props & { name: 'enabled' | 'shadow' | 'watch_all'; description: string }) {
  return (
    <Field label={fieldName(name)} description={description} disabled={disabled} noMargin>
      <Switch
        id={`rule-${name}`}
        value={draft[name]}
        disabled={disabled}
        onChange={(event) => edit({ [name]: event.currentTarget.checked })}
      />
    </Field>
  );
}

const serviceDefault = () => t('rule.service-default', 'as the service');

function ServiceSwitchField({
  name,
  description,
  draft,
  edit,
  disabled,
}: Props & { name: 'require_complete' | 'links_sampled'; description: string }) {
  const choices = [
    { value: 'service' as const, label: serviceDefault() },
    { value: 'yes' as const, label: t('rule.yes', 'yes') },
    { value: 'no' as const, label: t('rule.no', 'no') },
  ];
  return (
    <Field label={fieldName(name)} description={description} disabled={disabled} noMargin>
      <Combobox
        id={`rule-${name}`}
        options={choices}
        value={draft[name] === null ? 'service' : draft[name] ? 'yes' : 'no'}
        disabled={disabled}
        onChange={({ value }) => edit({ [name]: value === 'service' ? null : value === 'yes' })}
      />
    </Field>
  );
}

function Timing(props: Props) {
  const service = serviceDefault();
  return (
    <Stack direction="column" gap={2}>
      <TextField
        {...props}
        name="settle"
        placeholder={service}
        description={t('rule.settle-why', 'How long a trace may still get spans, for example 2m')}
      />
      <TextField
        {...props}
        name="margin"
        placeholder={service}
        description={t('rule.margin-why', 'How far spans of one trace lie apart at most')}
      />
      <TextField
        {...props}
        name="clock_skew"
        placeholder={service}
        description={t('rule.skew-why', 'How far clocks of services may differ')}
      />
      <ServiceSwitchField
        {...props}
        name="require_complete"
        description={t('rule.complete-why', 'Inconclusive while a parent span is missing')}
      />
      <ServiceSwitchField
        {...props}
        name="links_sampled"
        description={t('rule.links-sampled-why', 'Then it proves nothing that no trace links to a span')}
      />
      <TextField
        {...props}
        name="budget"
        placeholder={service}
        description={t('rule.budget-why', 'Steps that it may take on one trace where the service gives less')}
      />
      <TextField
        {...props}
        name="store"
        placeholder={service}
        description={t('rule.store-why', 'Which store has its traces, where the service has several')}
      />
      <SwitchField
        {...props}
        name="watch_all"
        description={t('rule.watch-all-why', 'Watch it even where no selector narrows it: every trace is read')}
      />
    </Stack>
  );
}

export function RuleForm(props: Props) {
  const { draft, edit, errors, isNew, disabled } = props;
  const styles = useStyles2(getStyles);
  const [timing, setTiming] = useState(false);
  const { settle, margin, clock_skew, require_complete, links_sampled, budget, store, watch_all } = draft;
  const timed = settle || margin || clock_skew || require_complete !== null || links_sampled !== null || budget || store || watch_all;
  return (
    <div className={styles.form}>
      <TextField {...props} name="name" required />
      {isNew && (
        <TextField
          {...props}
          name="id"
          placeholder={t('rule.id-placeholder', 'made from the name')}
          description={t('rule.id-why', 'Stays for ever: alerts and links name it')}
        />
      )}
      <Field label={fieldName('description')} invalid={Boolean(errors.description)} error={errors.description} disabled={disabled} noMargin>
        <TextArea
          id="rule-description"
          rows={3}
          value={draft.description}
          disabled={disabled}
          onChange={(event) => edit({ description: event.currentTarget.value })}
        />
      </Field>
      <Field label={fieldName('severity')} invalid={Boolean(errors.severity)} error={errors.severity} disabled={disabled} noMargin>
        <Combobox
          id="rule-severity"
          options={SEVERITIES.map((severity) => ({ value: severity, label: severityText(severity) }))}
          value={draft.severity}
          disabled={disabled}
          onChange={({ value }) => edit({ severity: value })}
        />
      </Field>
      <SwitchField
        {...props}
        name="enabled"
        description={t('rule.enabled-why', 'Disabled rules are neither listed among violations nor watched')}
      />
      <SwitchField {...props} name="shadow" description={t('rule.shadow-why', 'Evaluated and shown, but never emitted or alerted')} />
      <PairsField
        label={fieldName('labels')}
        description={t('rule.labels-why', 'To filter by, such as team: payments')}
        add={t('rule.labels-add', 'Add a label')}
        pairs={draft.labels}
        onChange={(labels) => edit({ labels })}
        disabled={disabled}
        error={errors.labels}
      />
      <PairsField
        label={fieldName('annotations')}
        description={t('rule.annotations-why', 'For people and reports, such as runbook_url, soc2_control')}
        add={t('rule.annotations-add', 'Add an annotation')}
        pairs={draft.annotations}
        onChange={(annotations) => edit({ annotations })}
        disabled={disabled}
        error={errors.annotations}
      />
      <Collapse label={t('rule.timing', 'Time and completeness')} isOpen={timing || Boolean(timed)} onToggle={setTiming}>
        <Timing {...props} />
      </Collapse>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({ form: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }) });
