// What the pages are shown in, where that is a shell of another product: distribution/kibana writes it into index.html. The shell's server hands calls on to the
// service, with a token of its own and the user's name, so the browser holds none.

export interface Shell {
  /** a header that each call has to bear, with any value: `kbn-xsrf` */
  header: string;
  /** what the shell's server hands on */
  role: 'viewer' | 'editor';
  theme: 'dark' | 'light';
}

/** Null where the pages stand alone. */
export function readShell(): Shell | null {
  const content = document.querySelector('meta[name="betrace-shell"]')?.getAttribute('content');
  return content ? JSON.parse(content) : null;
}
