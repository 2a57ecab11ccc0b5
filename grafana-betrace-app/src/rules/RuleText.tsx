// The rule: the editor, what is wrong with it in a line, and the formatter.
import { t } from '@grafana/i18n';
import { Button, Icon, Stack, Text } from '@grafana/ui';
import { useMutation } from '@tanstack/react-query';
import { useApi } from '../api/context';
import type { DataNote } from '../api/problem';
import { ErrorState } from '../components/ErrorState';
import { DslEditor } from '../editor/DslEditor';
import type { Check } from '../editor/useCheck';

interface Props {
  dsl: string;
  onChange(dsl: string): void;
  onSave(): void;
  check: Check;
  /** what exactly this text met in a trace that it was judged on */
  notes?: DataNote[];
  readOnly: boolean;
}

const NONE: never[] = [];

/** The state of the text in a few words, also for who does not see underlines. */
export function statusText({ current, error }: Check, dsl: string): string {
  if (dsl.trim() === '') {
    return t('text.empty', 'Begin with when { … } always { … }, or Ctrl+Space for what can be written.');
  }
  if (error) {
    return t('text.unchecked', 'The text could not be checked.');
  }
  if (!current) {
    return t('text.checking', 'Checking…');
  }
  const errors = current.diagnostics.filter((one) => one.severity === 'error').length;
  const warnings = current.diagnostics.length - errors;
  if (errors > 0) {
    return t('text.errors', 'Errors: {{errors}}. Warnings: {{warnings}}.', { errors, warnings });
  }
  return warnings > 0
    ? t('text.warnings', 'It can be saved. Warnings: {{warnings}}.', { warnings })
    : t('text.valid', 'The text is valid.');
}

export function RuleText({ dsl, onChange, onSave, check, notes, readOnly }: Props) {
  const api = useApi();
  const format = useMutation({
    mutationFn: () => api.post('/v1/dsl/format', { body: { dsl } }),
    onSuccess: ({ formatted, changed }) => changed && onChange(formatted),
  });
  const diagnostics = check.current?.diagnostics ?? NONE;
  const valid = check.current?.valid === true;
  return (
    <Stack direction="column" gap={1}>
      <DslEditor
        label={t('text.label', 'Text of the rule. Ctrl+M makes Tab leave the editor.')}
        value={dsl}
        onChange={onChange}
        onSave={onSave}
        onFormat={() => valid && !readOnly && format.mutate()}
        diagnostics={diagnostics}
        notes={notes}
        readOnly={readOnly}
      />
      <Stack direction="row" gap={1} alignItems="center" wrap="wrap" justifyContent="space-between">
        <div role="status" aria-live="polite">
          <Text color={check.current && !valid ? 'error' : 'secondary'}>
            {check.current && <Icon name={valid ? 'check' : 'exclamation-circle'} />} {statusText(check, dsl)}
          </Text>
        </div>
        <Stack direction="row" gap={1} alignItems="center">
          <Text color="secondary" variant="bodySmall">
            {t('text.keys', 'Ctrl+Space completes, Ctrl+. fixes, Ctrl+S saves, Ctrl+M lets Tab leave')}
          </Text>
          <Button
            size="sm"
            variant="secondary"
            icon="brackets-curly"
            disabled={!valid || readOnly || format.isPending}
            onClick={() => format.mutate()}
          >
            {t('text.format', 'Format')}
          </Button>
        </Stack>
      </Stack>
      {check.error !== null && check.error !== undefined && (
        <ErrorState error={check.error} title={t('text.unchecked', 'The text could not be checked.')} />
      )}
      {format.error && <ErrorState error={format.error} title={t('text.not-formatted', 'The text could not be formatted')} />}
    </Stack>
  );
}
