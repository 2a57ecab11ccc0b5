// The session of the standalone app as a React context.
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Session, SessionState } from './session';

const SessionContext = createContext<Session | null>(null);
export const SessionProvider = SessionContext.Provider;

/** The standalone session and its present state. Only for parts of the standalone frame. */
export function useSession(): [SessionState, Session] {
  const session = useContext(SessionContext);
  if (!session) {
    throw new Error('useSession: there is no SessionProvider above this component');
  }
  return [useSyncExternalStore(session.subscribe, session.get), session];
}
