// A request failed. Shows the whole problem document: what the service expected, what came, and each of its errors.
import { t } from '@grafana/i18n';
import { Alert, Button } from '@grafana/ui';
import { List } from './List';
import { isUnreachable, Unreachable } from './Unreachable';
import { useHost } from '../host/context';
import { asApiError, problemLine, type ApiError } from '../api/problem';

/** What a status means for the reader, where the problem document itself cannot know. */
function advice(error: ApiError): string | null {
  switch (error.status) {
    case 0:
      return t('error.no-answer', 'Is the service running, and is its address right? The Configuration page shows what it says.');
    case 401:
      return t('error.no-token', 'The service wants a token that it knows. The Configuration page says where it is set.');
    case 403:
      return t('error.forbidden', 'Your role, or the token that the service was asked with, does not allow this: an administrator can change both.');
    case 502:
    case 504:
      return t('error.gateway', 'What stands before the service could not reach it.');
    case 503:
      return t('error.busy', 'This often passes: try again in a moment.');
    default:
      return null;
  }
}

interface Props {
  error: unknown;
  /** what was attempted, as a headline; else the problem's own title */
  title?: string;
  onRetry?: () => void;
}

export function ErrorState({ error, title, onRetry }: Props) {
  const host = useHost();
  const connection = host.connection();
  if (connection && isUnreachable(error, host)) {
    return <Unreachable connection={connection} onRetry={onRetry} />;
  }
  const problem = asApiError(error);
  const help = advice(problem);
  return (
    <Alert severity="error" title={title ?? problem.title} data-state="failed">
      {title && problem.title !== title && <p>{problem.title}</p>}
      {problem.detail && <p>{problem.detail}</p>}
      {problem.errors.length > 0 && (
        <List>
          {problem.errors.map((item, index) => (
            <li key={index}>{problemLine(item)}</li>
          ))}
        </List>
      )}
      {help && <p>{help}</p>}
      {problem.status > 0 && (
        <p>{t('error.status', 'Status {{status}}', { status: problem.type ? `${problem.status} (${problem.type})` : problem.status })}</p>
      )}
      {onRetry && (
        <Button variant="secondary" icon="sync" onClick={onRetry}>
          {t('error.retry', 'Try again')}
        </Button>
      )}
    </Alert>
  );
}
