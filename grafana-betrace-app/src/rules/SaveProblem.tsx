// Why a rule was not saved, and what can be done now. The two that need more than a message: the id is taken (409), and somebody else saved meanwhile (412).
import { t } from '@grafana/i18n';
import { Alert, Button, Stack } from '@grafana/ui';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router-dom';
import { PLAIN } from '../i18n';
import { useApi } from '../api/context';
import { asApiError, type ApiError } from '../api/problem';
import type { Rule } from '../api/types';
import { ErrorState } from '../components/ErrorState';
import { Loading } from '../components/Loading';
import { useUrls } from '../routing/useUrls';
import { changedFields, draftOf, type Draft } from './draft';
import { fieldName } from './fieldNames';
import { DslDiff } from './HistoryPanel';

interface Props {
  error: unknown;
  draft: Draft;
  /** of the stored rule; undefined for a new one */
  id?: string;
  onTakeTheirs(stored: Rule): void;
  onOverwrite(stored: Rule): void;
}

function Taken({ error, draft }: { error: ApiError; draft: Draft }) {
  const to = useUrls();
  return (
    <Alert severity="warning" title={t('save.taken', 'There is a rule with this id already')}>
      <p>{error.detail}</p>
      {draft.id ? (
        <Link to={to.rule(draft.id)}>{t('save.see-it', 'See that rule')}</Link>
      ) : (
        t('save.give-id', 'The id was made from the name: give another name, or an id of its own.')
      )}
    </Alert>
  );
}

function Changed({ draft, id, onTakeTheirs, onOverwrite }: Props & { id: string }) {
  const api = useApi();
  const latest = useQuery({
    queryKey: ['rules', 'conflict', id],
    queryFn: ({ signal }) => api.get('/v1/rules/{id}', { path: { id }, signal }),
    gcTime: 0,
    staleTime: 0,
  });
  if (latest.error) {
    return (
      <ErrorState
        error={latest.error}
        title={t('save.conflict', 'Somebody else has saved this rule meanwhile')}
        onRetry={() => void latest.refetch()}
      />
    );
  }
  if (!latest.data) {
    return <Loading />;
  }
  const theirs = latest.data;
  const fields = changedFields(draftOf(theirs), draft).map(fieldName).join(', ');
  return (
    <Alert severity="warning" title={t('save.conflict', 'Somebody else has saved this rule meanwhile')}>
      <p>
        {t('save.theirs', 'Version {{version}} is stored now ({{who}}). It differs from yours in: {{fields}}', {
          ...PLAIN,
          version: theirs.version,
          who: theirs.updated_by ?? '–',
          fields,
        })}
      </p>
      {theirs.dsl !== draft.dsl && <DslDiff before={theirs.dsl} after={draft.dsl} />}
      <Stack direction="row" gap={1}>
        <Button variant="secondary" onClick={() => onTakeTheirs(theirs)}>
          {t('save.take-theirs', 'Take theirs, drop mine')}
        </Button>
        <Button variant="destructive" onClick={() => onOverwrite(theirs)}>
          {t('save.overwrite', 'Save mine over it')}
        </Button>
      </Stack>
    </Alert>
  );
}

export function SaveProblem(props: Props) {
  const error = asApiError(props.error);
  if (error.status === 409) {
    return <Taken error={error} draft={props.draft} />;
  }
  if (error.status === 412 && props.id) {
    return <Changed {...props} id={props.id} />;
  }
  if (error.status === 404 && props.id) {
    return <ErrorState error={error} title={t('save.gone', 'This rule was deleted meanwhile. Save your text as a new rule.')} />;
  }
  return <ErrorState error={error} title={t('save.failed', 'The rule was not saved')} />;
}
