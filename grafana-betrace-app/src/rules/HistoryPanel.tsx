// Every version that a rule ever had: who, when, what changed, and the way back.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Badge, Button, Stack, Text, useStyles2 } from '@grafana/ui';
import { PLAIN } from '../i18n';
import { useRuleVersions } from '../api/rules';
import type { RuleVersion } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { TimeText } from '../components/TimeText';
import { changedFields, draftOf, EMPTY_DRAFT, type Draft } from './draft';
import { fieldName } from './fieldNames';
import { lineDiff } from './lineDiff';

interface Props {
  id: string;
  /** puts an old version into the form; nothing is saved by it */
  onTake(draft: Draft): void;
  disabled?: string;
}

export function DslDiff({ before, after }: { before: string; after: string }) {
  const styles = useStyles2(getStyles);
  const sign = { same: ' ', removed: '−', added: '+' };
  return (
    <pre className={styles.diff}>
      {lineDiff(before.trimEnd(), after.trimEnd()).map(({ kind, text }, index) => (
        <div key={index} className={styles[kind]}>
          {sign[kind]} {text}
        </div>
      ))}
    </pre>
  );
}

function whatChanged(before: RuleVersion | undefined, after: RuleVersion): string {
  if (after.deleted) {
    return t('history.deleted', 'Deleted');
  }
  if (!before) {
    return t('history.created', 'Created');
  }
  const fields = changedFields(draftOf(before), draftOf(after)).map(fieldName).join(', ');
  const again = before.deleted ? t('history.again', 'Created again. ') : '';
  return again + (fields ? t('history.changed', 'Changed: {{fields}}', { ...PLAIN, fields }) : t('history.touched', 'Stored again'));
}

function Version({ before, version, isNewest, ...props }: Props & { before?: RuleVersion; version: RuleVersion; isNewest: boolean }) {
  const textChanged = before && before.dsl !== version.dsl;
  return (
    <li>
      <Stack direction="row" gap={1} alignItems="center" wrap="wrap">
        <Badge color="blue" text={t('history.version', 'Version {{version}}', { version: version.version })} />
        <TimeText time={version.updated_at} />
        <Text color="secondary">{version.updated_by ?? t('history.nobody', 'nobody named')}</Text>
        <Text>{whatChanged(before, version)}</Text>
        {!isNewest && !version.deleted && (
          <Button
            size="sm"
            variant="secondary"
            disabled={Boolean(props.disabled)}
            tooltip={props.disabled}
            onClick={() => props.onTake({ ...EMPTY_DRAFT, ...draftOf(version) })}
          >
            {t('history.take', 'Put this version into the form')}
          </Button>
        )}
      </Stack>
      {textChanged && <DslDiff before={before.dsl} after={version.dsl} />}
    </li>
  );
}

export function HistoryPanel(props: Props) {
  const styles = useStyles2(getStyles);
  const history = useRuleVersions(props.id);
  if (history.error) {
    return <ErrorState error={history.error} onRetry={() => void history.refetch()} />;
  }
  if (!history.data) {
    return <Loading />;
  }
  const { versions } = history.data;
  return (
    <ol className={styles.list} reversed>
      {versions
        .map((version, index) => (
          <Version key={index} {...props} before={versions[index - 1]} version={version} isNewest={index === versions.length - 1} />
        ))
        .reverse()}
    </ol>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  diff: css({ margin: theme.spacing(1, 0, 0), whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }),
  same: css({ color: theme.colors.text.secondary }),
  removed: css({ background: theme.colors.error.transparent }),
  added: css({ background: theme.colors.success.transparent }),
});
