// A text as a file of the browser.

const KEPT_MS = 10_000; // longer than a browser takes to begin reading

/** Saves `text` under `name`. The link is never part of the document: Grafana catches clicks on links there and would leave the page for the blob. */
export function download(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
