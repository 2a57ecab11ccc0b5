// Keys and values of a rule: labels, annotations.
import { t } from '@grafana/i18n';
import { Button, Field, IconButton, Input, Stack } from '@grafana/ui';
import { PLAIN } from '../i18n';
import type { Pair } from './draft';

interface Props {
  label: string;
  description: string;
  pairs: Pair[];
  onChange(pairs: Pair[]): void;
  disabled: boolean;
  error?: string;
  /** text of the button that adds one */
  add: string;
}

/** A component of its own, since Field gives its child props of inputs. */
function Rows({ label, pairs, onChange, disabled, add }: Omit<Props, 'description' | 'error'>) {
  const replace = (index: number, pair: Pair) => onChange(pairs.map((one, at) => (at === index ? pair : one)));
  return (
    <Stack direction="column" gap={0.5}>
      {pairs.map(([key, value], index) => (
        <Stack key={index} direction="row" gap={0.5} alignItems="center">
          <Input
            aria-label={t('rule.pair.key', '{{label}}, key {{number}}', { ...PLAIN, label, number: index + 1 })}
            value={key}
            disabled={disabled}
            placeholder={t('rule.pair.key-placeholder', 'key')}
            onChange={(event) => replace(index, [event.currentTarget.value, value])}
          />
          <Input
            aria-label={t('rule.pair.value', '{{label}}, value {{number}}', { ...PLAIN, label, number: index + 1 })}
            value={value}
            disabled={disabled}
            placeholder={t('rule.pair.value-placeholder', 'value')}
            onChange={(event) => replace(index, [key, event.currentTarget.value])}
          />
          {!disabled && (
            <IconButton
              name="trash-alt"
              tooltip={t('rule.pair.remove', 'Remove {{key}}', { ...PLAIN, key: key || index + 1 })}
              onClick={() => onChange(pairs.filter((_, at) => at !== index))}
            />
          )}
        </Stack>
      ))}
      {!disabled && (
        <div>
          <Button variant="secondary" size="sm" fill="text" icon="plus" onClick={() => onChange([...pairs, ['', '']])}>
            {add}
          </Button>
        </div>
      )}
    </Stack>
  );
}

export function PairsField({ description, error, ...rows }: Props) {
  const { label, disabled } = rows;
  return (
    <Field label={label} description={description} invalid={Boolean(error)} error={error} disabled={disabled} noMargin>
      <Rows {...rows} />
    </Field>
  );
}
