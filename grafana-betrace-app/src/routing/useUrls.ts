// The addresses of the app below the prefix of the host.
import { useMemo } from 'react';
import { useHost } from '../host/context';
import { urls } from './urls';

/** `const to = useUrls(); <Link to={to.rule(id)}>` */
export function useUrls() {
  const { prefix } = useHost();
  return useMemo(() => urls(prefix), [prefix]);
}
