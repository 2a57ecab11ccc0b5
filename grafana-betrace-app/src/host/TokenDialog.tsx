// Asks for a token when the service answered 401. The token stays in this tab (sessionStorage) and goes nowhere but to the service.
import { t, Trans } from '@grafana/i18n';
import { Alert, Button, Field, Input, Modal, Stack } from '@grafana/ui';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useSession } from './sessionContext';
import { probeRole } from './probeRole';

type Probe = Awaited<ReturnType<typeof probeRole>>;

export function TokenDialog() {
  const [{ tokenWanted }, session] = useSession();
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [tenant, setTenant] = useState('');
  const [problem, setProblem] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const probe: Probe = await probeRole(token.trim(), tenant.trim());
    if ('problem' in probe) {
      setProblem(probe.problem);
      return;
    }
    setProblem('');
    session.set({ token: token.trim(), tenant: tenant.trim(), role: probe.role, tokenWanted: false });
    await client.resetQueries();
  };
  if (!tokenWanted) {
    return null;
  }
  return (
    <Modal isOpen title={t('token.title', 'A token is needed')} onDismiss={() => session.set({ tokenWanted: false })}>
      <form onSubmit={submit}>
        <p>
          <Trans i18nKey="token.why">
            This service wants a token. Whoever runs it has made one for you. It is kept in this tab only, and forgotten when you close it.
          </Trans>
        </p>
        {problem && <Alert title={t('token.refused', 'The service did not take this token')}>{problem}</Alert>}
        <Stack direction="column" gap={2}>
          <Field label={t('token.token', 'Token')} required noMargin>
            <Input id="token-value" type="password" autoFocus autoComplete="off" value={token} onChange={(event) => setToken(event.currentTarget.value)} />
          </Field>
          <Field label={t('token.tenant', 'Tenant')} description={t('token.tenant-why', 'Only for a token of several tenants')} noMargin>
            <Input id="token-tenant" value={tenant} autoComplete="off" onChange={(event) => setTenant(event.currentTarget.value)} />
          </Field>
        </Stack>
        <Modal.ButtonRow>
          <Button type="submit" disabled={token.trim() === ''}>
            {t('token.use', 'Use this token')}
          </Button>
        </Modal.ButtonRow>
      </form>
    </Modal>
  );
}
