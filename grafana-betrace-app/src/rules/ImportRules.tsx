// Import of a rule file: first what it would do (a dry run, with its tests if asked), then the same for good. All of it or nothing.
import { css } from '@emotion/css';
import { t } from '@grafana/i18n';
import { Alert, Button, Field, FileUpload, Modal, Stack, Switch, TextArea, useStyles2 } from '@grafana/ui';
import { useState, type FormEvent } from 'react';
import { useImportRules } from '../api/rules';
import type { RuleImport } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { List } from '../components/List';

function resultWord(result: RuleImport['rules'][number]['result']): string {
  switch (result) {
    case 'created':
      return t('import.created', 'new');
    case 'updated':
      return t('import.updated', 'changed');
    case 'unchanged':
      return t('import.unchanged', 'as it is');
  }
}

function Outcome({ outcome }: { outcome: RuleImport }) {
  const styles = useStyles2(getStyles);
  const counts = { created: outcome.created, updated: outcome.updated, unchanged: outcome.unchanged };
  const title = outcome.dry_run
    ? t('import.would', 'It would create {{created}}, change {{updated}}, and leave {{unchanged}} as they are', counts)
    : t('import.did', 'Created {{created}}, changed {{updated}}, left {{unchanged}} as they are', counts);
  const warnings = outcome.rules.flatMap((rule) => rule.diagnostics.map((one) => `${rule.id} ${one.line}:${one.column} ${one.message}`));
  return (
    <Alert severity={outcome.dry_run ? 'info' : 'success'} title={title}>
      {outcome.tests && <p>{t('import.tests', 'Tests of the file passed: {{passed}}', { passed: outcome.tests.passed })}</p>}
      <List className={styles}>
        {outcome.rules.map((rule) => (
          <li key={rule.id}>
            {rule.id}: {resultWord(rule.result)}
          </li>
        ))}
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </List>
    </Alert>
  );
}

export function ImportRules({ onDismiss }: { onDismiss(): void }) {
  const [yaml, setYaml] = useState('');
  const [test, setTest] = useState(true);
  const run = useImportRules();
  const tried = run.data?.dry_run && run.variables?.yaml === yaml && run.variables.test === test;
  const done = run.data && !run.data.dry_run;
  const readFile = async (event: FormEvent<HTMLInputElement>) => {
    const [file] = event.currentTarget.files ?? [];
    if (file) {
      setYaml(await file.text());
    }
  };
  return (
    <Modal isOpen title={t('import.title', 'Import rules')} onDismiss={onDismiss}>
      <Stack direction="column" gap={2}>
        <FileUpload accept=".yaml,.yml,.json" onFileUpload={(event) => void readFile(event)}>
          {t('import.file', 'Choose a rule file (YAML or JSON)')}
        </FileUpload>
        <Field label={t('import.text', 'Or its text')} noMargin>
          <TextArea id="import-text" rows={10} spellCheck={false} value={yaml} onChange={(event) => setYaml(event.currentTarget.value)} />
        </Field>
        <Field
          label={t('import.run-tests', 'Run the tests of the file first')}
          description={t('import.run-tests-why', 'When one fails, nothing is stored')}
          noMargin
        >
          <Switch id="import-tests" value={test} onChange={(event) => setTest(event.currentTarget.checked)} />
        </Field>
        {run.error && <ErrorState error={run.error} title={t('import.failed', 'Nothing was stored')} />}
        {run.data && <Outcome outcome={run.data} />}
      </Stack>
      <Modal.ButtonRow>
        <Button variant="secondary" onClick={onDismiss}>
          {done ? t('import.close', 'Close') : t('import.cancel', 'Cancel')}
        </Button>
        {!done && !tried && (
          <Button disabled={yaml.trim() === '' || run.isPending} onClick={() => run.mutate({ yaml, dryRun: true, test })}>
            {t('import.try', 'See what it would do')}
          </Button>
        )}
        {!done && tried && (
          <Button disabled={run.isPending} onClick={() => run.mutate({ yaml, dryRun: false, test })}>
            {t('import.do', 'Import')}
          </Button>
        )}
      </Modal.ButtonRow>
    </Modal>
  );
}

const getStyles = () => css({ maxHeight: 200, overflow: 'auto' });
