// The keys of a page: parts of it say theirs, one listener acts on them, and `?` shows all that are there now.
// They stay silent while somebody types, in editors and dialogs, and with Ctrl or ⌘: these belong to the browser. So does Alt, unless letters act with it.
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { KeysDialog } from './KeysDialog';
import { isLetterPressed } from './letterKeys';

export interface PageKey {
  /** `KeyboardEvent.key`, of one character where it is acted on; also what the dialog shows, unless `shown` says it better */
  key: string;
  shown?: string;
  text: string;
  /** undefined: somebody else acts on it, and it is only told */
  run?(): void;
  /** also as long as it is held down */
  repeats?: boolean;
}

interface Registry {
  /** answers how to take them away again */
  add(keys: () => PageKey[]): () => void;
}

const RegistryContext = createContext<Registry | null>(null);

// Of inputs those that take letters: a choice that was just clicked has the focus, too.
const FIELDS =
  'input:not([type="radio"]):not([type="checkbox"]), textarea, select, [contenteditable], [role="textbox"], [role="searchbox"], [role="combobox"], [role="listbox"], [role="menu"], .monaco-editor';

function isForUs(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey) {
    return false;
  }
  const { target } = event;
  const isInField = target instanceof Element && target.closest(FIELDS) !== null;
  return !isInField && document.querySelector('[role="dialog"]') === null;
}

export function PageKeys({ children }: { children: ReactNode }) {
  const parts = useRef(new Set<() => PageKey[]>());
  const [shown, setShown] = useState<PageKey[] | null>(null);
  const registry = useMemo<Registry>(
    () => ({
      add(keys) {
        parts.current.add(keys);
        return () => void parts.current.delete(keys);
      },
    }),
    []
  );
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const keys = [...parts.current].flatMap((part) => part());
      if (keys.length === 0 || !isForUs(event)) {
        return;
      }
      const pressed = keys.find((one) => one.run && isLetterPressed(event, one.key) && (!event.repeat || one.repeats));
      const run = isLetterPressed(event, '?') ? () => setShown(keys) : pressed?.run;
      if (run) {
        event.preventDefault(); // Grafana's own `?` acts on the keypress that would follow
        run();
      }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <RegistryContext.Provider value={registry}>
      {children}
      {shown && <KeysDialog keys={shown} onDismiss={() => setShown(null)} />}
    </RegistryContext.Provider>
  );
}

/** Keys that are there as long as who calls this is drawn. */
export function usePageKeys(keys: PageKey[]) {
  const registry = useContext(RegistryContext);
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => registry?.add(() => latest.current), [registry]);
}
