// A report as a file: the JSON is the evidence, HTML and OSCAL are made of it.
import { t } from '@grafana/i18n';
import { Button } from '@grafana/ui';
import { useExport, type ReportFormat } from '../api/compliance';
import { ErrorState } from '../components/ErrorState';
import { download } from '../download';

const TYPES: Record<ReportFormat, { type: string; ending: string }> = {
  json: { type: 'application/json', ending: 'evidence.json' },
  html: { type: 'text/html', ending: 'html' },
  oscal: { type: 'application/json', ending: 'oscal.json' },
};

function labels(): Array<{ format: ReportFormat; text: string; why: string }> {
  return [
    { format: 'json', text: t('compliance.export-json', 'Evidence (JSON)'), why: t('compliance.export-json-why', 'What betrace verify-report checks') },
    { format: 'html', text: t('compliance.export-html', 'HTML'), why: t('compliance.export-html-why', 'For people; no evidence itself') },
    { format: 'oscal', text: t('compliance.export-oscal', 'OSCAL'), why: t('compliance.export-oscal-why', 'Assessment results, for tools; no evidence itself') },
  ];
}

export function ExportButtons({ id, name }: { id: string; name: string }) {
  const run = useExport();
  const start = (format: ReportFormat) =>
    run.mutate({ id, format }, { onSuccess: (text) => download(`${name}.${TYPES[format].ending}`, TYPES[format].type, text) });
  return (
    <>
      {labels().map(({ format, text, why }) => (
        <Button key={format} variant="secondary" icon="download-alt" tooltip={why} disabled={run.isPending} onClick={() => start(format)}>
          {text}
        </Button>
      ))}
      {run.error && <ErrorState error={run.error} />}
    </>
  );
}
