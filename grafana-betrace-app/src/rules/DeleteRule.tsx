// The question before a rule is deleted.
import { t } from '@grafana/i18n';
import { ConfirmModal } from '@grafana/ui';
import { PLAIN } from '../i18n';
import { useDeleteRule } from '../api/rules';
import type { Rule } from '../api/types';
import { ErrorState } from '../components/ErrorState';

interface Props {
  rule: Rule;
  onDone(): void;
  onDismiss(): void;
}

/** Asks, then deletes the version that was seen. */
export function DeleteRule({ rule, onDone, onDismiss }: Props) {
  const remove = useDeleteRule();
  return (
    <ConfirmModal
      isOpen
      title={t('delete.title', 'Delete the rule {{name}}?', { ...PLAIN, name: rule.name })}
      body={
        <>
          <p>
            {t(
              'delete.what',
              'It is no longer evaluated, watched or reported. Its versions stay in the history, and violation spans that were sent stay in Tempo.'
            )}
          </p>
          {remove.error && <ErrorState error={remove.error} title={t('delete.failed', 'It was not deleted')} />}
        </>
      }
      confirmText={remove.isPending ? t('delete.pending', 'Deleting…') : t('delete.confirm', 'Delete')}
      onConfirm={() => remove.mutate({ id: rule.id, version: rule.version }, { onSuccess: onDone })}
      onDismiss={onDismiss}
    />
  );
}
