// A page that throws shows what happened, and the rest of the app stays.
import { t } from '@grafana/i18n';
import { Alert, Button } from '@grafana/ui';
import { Component, type ReactNode } from 'react';

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  render() {
    const { error } = this.state;
    if (!error) {
      return this.props.children;
    }
    return (
      <Alert severity="error" title={t('crash.title', 'This page stopped working')}>
        <p>{String(error.message)}</p>
        <Button variant="secondary" icon="sync" onClick={() => this.setState({ error: null })}>
          {t('crash.again', 'Show it again')}
        </Button>
      </Alert>
    );
  }
}
