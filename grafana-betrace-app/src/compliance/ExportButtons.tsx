// A report as a file: the JSON is the evidence, HTML and OSCAL are made of it.
import { t } from '@grafana/i18n';
import { Button } from '@grafana/ui';
import { useExport, type ReportFormat } from '../api/compliance';
import { ErrorState } from '../components/ErrorState';

const TYPES: Record<ReportFormat, { type: string; ending: string }> = {
  json: { type: 'application/json', ending: 'evidence.json' },
  html: { type: 'text/html', ending: 'html' },
  oscal: { type: 'application/json', ending: 'oscal.json' },
};

function save(text: string, type: string, name: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function labels(): Array<{ format: ReportFormat; text: string; why: string }> {
  return [
    { format: 'json', text: t('compliance.export-json', 'Evidence (JSON)'), why: t('compliance.export-json-why', 'What betrace verify-report checks') },
    { format: 'html', text: t('compliance.export-html', 'HTML'), why: t('compliance.export-html-why', 'For people; no evidence itself') },
    { format: 'oscal', text: t('compliance.export-oscal', 'OSCAL'), why: t('compliance.export-oscal-why', 'Assessment results, for tools; no evidence itself') },
  ];
}

export function ExportButtons({ id, name }: { id: string; name: string }) {
  const download = useExport();
  const start = (format: ReportFormat) =>
    download.mutate({ id, format }, { onSuccess: (text) => save(text, TYPES[format].type, `${name}.${TYPES[format].ending}`) });
  return (
    <>
      {labels().map(({ format, text, why }) => (
        <Button key={format} variant="secondary" icon="download-alt" tooltip={why} disabled={download.isPending} onClick={() => start(format)}>
          {text}
        </Button>
      ))}
      {download.error && <ErrorState error={download.error} />}
    </>
  );
}
