// What is listed, as a file. It holds the loaded rows and says in its name, and JSON inside too, when there may be more.
import { t } from '@grafana/i18n';
import { Button, Dropdown, Menu } from '@grafana/ui';

import { lacksTraces } from '../components/CoverageNotice';
import { PLAIN } from '../i18n';
import type { Violation, ViolationPage } from '../api/types';
import { download } from '../download';
import type { ViolationFilters } from './filters';
import { exportFileName, violationsToCsv } from './csv';

interface Props {
  violations: readonly Violation[];
  /** the newest one, with the coverage of all */
  page: ViolationPage;
  filters: ViolationFilters;
}

/** The whole list: everything was looked at, and all of it is loaded. */
export function isWholeList(page: ViolationPage): boolean {
  return page.coverage.complete && !lacksTraces(page.coverage) && page.cursor === null;
}

export function exportedJson({ violations, page, filters }: Props): string {
  const { total_count, estimated, inconclusive, traces_evaluated, traces_evaluated_kind, reason, coverage } = page;
  const facts = { is_whole_list: isWholeList(page), total_count, estimated, inconclusive, traces_evaluated, traces_evaluated_kind, reason, coverage };
  return `${JSON.stringify({ filters, ...facts, violations }, null, 2)}\n`;
}

export function ExportMenu(props: Props) {
  const { violations, page } = props;
  const name = (extension: 'csv' | 'json') => exportFileName(page.coverage.asked, isWholeList(page), extension);
  // Spreadsheets read UTF-8 only behind a byte order mark.
  const saveCsv = () => download(name('csv'), 'text/csv;charset=utf-8', `\ufeff${violationsToCsv(violations)}`);
  const saveJson = () => download(name('json'), 'application/json', exportedJson(props));
  const menu = (
    <Menu>
      <Menu.Item
        label={t('violations.export.csv', 'CSV ({{n}} rows)', { ...PLAIN, n: violations.length })}
        icon="table"
        onClick={saveCsv}
      />
      <Menu.Item label={t('violations.export.json', 'JSON, with witnesses and coverage')} icon="brackets-curly" onClick={saveJson} />
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <Button variant="secondary" icon="download-alt" disabled={!violations.length}>
        {isWholeList(page) ? t('violations.export.all', 'Export') : t('violations.export.loaded', 'Export what is loaded')}
      </Button>
    </Dropdown>
  );
}
