// One rule: an existing one by its id, or a new one, perhaps with a text that a link brought (`?dsl=`, `?name=`).
import { t } from '@grafana/i18n';
import { LinkButton } from '@grafana/ui';
import { useParams, useSearchParams } from 'react-router-dom';
import { PLAIN } from '../../i18n';
import { asApiError } from '../../api/problem';
import { useRule } from '../../api/rules';
import { EmptyState } from '../../components/EmptyState';
import { ErrorState } from '../../components/ErrorState';
import { Loading } from '../../components/Loading';
import { QuestionProblem } from '../../components/StaleNotice';
import { PageFrame } from '../../host/context';
import { useUrls } from '../../routing/useUrls';
import { RuleEditor } from '../../rules/RuleEditor';
import type { Draft } from '../../rules/draft';

function initialOf(search: URLSearchParams): Partial<Draft> {
  const dsl = search.get('dsl');
  const name = search.get('name');
  return { ...(dsl ? { dsl } : {}), ...(name ? { name } : {}) };
}

function NotThere({ id, error, onRetry }: { id: string; error: unknown; onRetry(): void }) {
  const to = useUrls();
  const isMissing = asApiError(error).status === 404;
  return (
    <PageFrame title={id} parent={{ text: t('rules.title', 'Rules'), url: to.rules() }}>
      {isMissing ? (
        <EmptyState
          title={t('rule.missing', 'There is no rule {{id}}', { ...PLAIN, id })}
          action={<LinkButton href={to.rules()}>{t('rule.see-rules', 'See the rules')}</LinkButton>}
        >
          {t('rule.missing-why', 'It may have been deleted, or belong to another tenant.')}
        </EmptyState>
      ) : (
        <ErrorState error={error} title={t('rule.unread', 'The rule could not be read')} onRetry={onRetry} />
      )}
    </PageFrame>
  );
}

function StoredRule({ id }: { id: string }) {
  const asked = useRule(id);
  const { data, error, refetch } = asked;
  if (data) {
    return <RuleEditor rule={data} notice={<QuestionProblem asked={asked} />} />;
  }
  return error ? (
    <NotThere id={id} error={error} onRetry={() => void refetch()} />
  ) : (
    <PageFrame title={id}>
      <Loading />
    </PageFrame>
  );
}

export default function RulePage() {
  const { id } = useParams();
  const [search] = useSearchParams();
  return id ? (
    <StoredRule key={id} id={id} />
  ) : (
    <RuleEditor key={`new ${search.get('dsl') ?? ''}`} rule={null} initial={initialOf(search)} />
  );
}
