// What the standalone app remembers: theme and zone in this browser, token and tenant in this tab only. In a shell the theme and the role are the shell's.
import { readShell, type Shell } from './shell';

export interface SessionState {
  theme: 'dark' | 'light';
  timeZone: 'browser' | 'utc';
  token: string;
  tenant: string;
  /** what the token may do; `editor` where the service wants no token, until a probe says otherwise */
  role: 'viewer' | 'editor';
  /** the service refused the token, or wants one */
  tokenWanted: boolean;
  /** what the pages are shown in; null where they stand alone */
  shell: Shell | null;
}

export interface Session {
  get(): SessionState;
  set(change: Partial<SessionState>): void;
  askForToken(): void;
  /** called after each change; returns how to stop */
  subscribe(listener: () => void): () => void;
}

const LOCAL = ['theme', 'timeZone'] as const;
const TAB = ['token', 'tenant', 'role'] as const;
const KEY = 'betrace.';

// Storage can be forbidden in a browser; the app then forgets, and works.
function read(storage: () => Storage, name: string): string | null {
  try {
    return storage().getItem(KEY + name);
  } catch {
    return null;
  }
}

function write(storage: () => Storage, name: string, value: string) {
  try {
    storage().setItem(KEY + name, value);
  } catch {
    // nothing to do
  }
}

const local = () => window.localStorage;
const tab = () => window.sessionStorage;

function initial(): SessionState {
  const shell = readShell();
  const prefersLight = window.matchMedia?.('(prefers-color-scheme: light)').matches;
  const theme = read(local, 'theme');
  return {
    theme: shell ? shell.theme : theme === 'dark' || theme === 'light' ? theme : prefersLight ? 'light' : 'dark',
    timeZone: read(local, 'timeZone') === 'utc' ? 'utc' : 'browser',
    token: shell ? '' : (read(tab, 'token') ?? ''),
    tenant: shell ? '' : (read(tab, 'tenant') ?? ''),
    role: shell ? shell.role : read(tab, 'role') === 'viewer' ? 'viewer' : 'editor',
    tokenWanted: false,
    shell,
  };
}

export function createSession(): Session {
  let state = initial();
  const listeners = new Set<() => void>();
  const set = (change: Partial<SessionState>) => {
    state = { ...state, ...change };
    if (!state.shell) {
      LOCAL.forEach((name) => write(local, name, state[name]));
      TAB.forEach((name) => write(tab, name, state[name]));
    }
    listeners.forEach((listener) => listener());
  };
  return {
    get: () => state,
    set,
    askForToken: () => {
      if (!state.tokenWanted && !state.shell) {
        set({ tokenWanted: true });
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
