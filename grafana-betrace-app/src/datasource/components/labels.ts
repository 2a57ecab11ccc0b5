// Labels as people write them in one line: team=payments, tier=1.

export function formatLabels(labels: Record<string, string> | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

/** null: it cannot be read; undefined: there are none. */
export function parseLabels(text: string): Record<string, string> | undefined | null {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const pairs = parts.map((part) => /^([^=]+)=(.+)$/.exec(part));
  if (pairs.some((pair) => pair === null)) {
    return null;
  }
  return parts.length ? Object.fromEntries(pairs.map((pair) => [pair![1].trim(), pair![2].trim()])) : undefined;
}
