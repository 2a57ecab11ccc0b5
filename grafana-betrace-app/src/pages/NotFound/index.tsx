// The page for addresses that are none.
import { t } from '@grafana/i18n';
import { LinkButton } from '@grafana/ui';
import { EmptyState } from '../../components/EmptyState';
import { PageFrame } from '../../host/context';
import { useUrls } from '../../routing/useUrls';

export default function NotFound() {
  const to = useUrls();
  return (
    <PageFrame title={t('not-found.title', 'Page not found')}>
      <EmptyState
        title={t('not-found.empty', 'There is no such page')}
        action={<LinkButton href={to.start()}>{t('not-found.next', 'To the start')}</LinkButton>}
      >
        {t('not-found.empty-text', 'The address may be mistyped, or from another version.')}
      </EmptyState>
    </PageFrame>
  );
}
