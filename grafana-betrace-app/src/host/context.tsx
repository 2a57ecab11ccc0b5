// The host, for pages: what of it they use, and its page frame.
import { useStyles2 } from '@grafana/ui';
import { createContext, useContext, type ReactNode } from 'react';
import type { Action } from '../permissions';
import { touchStyles } from './touch';
import type { Host, PageFrameProps } from './types';

const HostContext = createContext<Host | null>(null);

export function HostProvider({ host, children }: { host: Host; children: ReactNode }) {
  return <HostContext.Provider value={host}>{children}</HostContext.Provider>;
}

export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) {
    throw new Error('useHost: there is no HostProvider above this component');
  }
  return host;
}

export function usePermission(action: Action): boolean {
  return useHost().hasPermission(action);
}

/** The frame of a page: title, actions, tabs. Every page has exactly one. */
export function PageFrame(props: PageFrameProps) {
  const { PageFrame: Frame } = useHost();
  const touch = useStyles2(touchStyles);
  const { actions, children } = props;
  return (
    <Frame {...props} actions={actions && <div className={touch}>{actions}</div>}>
      <div className={touch}>{children}</div>
    </Frame>
  );
}
