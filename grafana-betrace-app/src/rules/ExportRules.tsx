// Export of the listed rules as a file of the browser.
import { t } from '@grafana/i18n';
import { Button } from '@grafana/ui';
import { useMutation } from '@tanstack/react-query';
import { useApi } from '../api/context';
import type { RuleFilter } from '../api/rules';
import { ErrorState } from '../components/ErrorState';
import { download } from '../download';

/** The rules of the list, by the same filters, as a rule file. */
export function ExportRules({ filter }: { filter: RuleFilter }) {
  const api = useApi();
  const run = useMutation({
    mutationFn: () => api.get('/v1/rules/export', { query: filter }),
    onSuccess: (yaml) => download('rules.yaml', 'application/yaml', yaml),
  });
  return (
    <>
      <Button variant="secondary" icon="download-alt" disabled={run.isPending} onClick={() => run.mutate()}>
        {t('rules.export', 'Export')}
      </Button>
      {run.error && <ErrorState error={run.error} title={t('rules.not-exported', 'The rules were not exported')} />}
    </>
  );
}
