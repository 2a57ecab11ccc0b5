// A rule as text that is not saved, with what is wrong with it, from the service.
import { t } from '@grafana/i18n';
import { Field } from '@grafana/ui';
import { DslEditor } from '../editor/DslEditor';
import { useCheck } from '../editor/useCheck';

interface Props {
  value: string;
  onChange(value: string): void;
  onSubmit(): void;
}

export function DslField({ value, onChange, onSubmit }: Props) {
  const { current, error } = useCheck(value);
  const errors = current?.diagnostics.filter((one) => one.severity === 'error') ?? [];
  const text = errors.map((one) => `${one.line}:${one.column} ${one.message}`).join(' ');
  return (
    <Field
      label={t('replays.form.dsl', 'Rule')}
      description={t('replays.form.dsl-why', 'As it stands, without saving it. Its violations are shown here and not sent to Tempo. Ctrl+S starts.')}
      invalid={errors.length > 0}
      error={text || (error ? t('replays.form.dsl-unchecked', 'The text could not be checked.') : undefined)}
      noMargin
    >
      {/* Field hands its state on to what it holds, and a div does not know it */}
      <>
        <DslEditor value={value} onChange={onChange} onSave={onSubmit} diagnostics={current?.diagnostics ?? []} label={t('replays.form.dsl', 'Rule')} lines={5} />
      </>
    </Field>
  );
}
