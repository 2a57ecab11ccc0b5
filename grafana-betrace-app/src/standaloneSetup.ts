// Has to run before @grafana/ui does: where its icons and fonts are, and how Monaco starts its worker (from our own origin, no blob).
declare global {
  interface Window {
    __grafana_public_path__?: string;
  }
}

window.__grafana_public_path__ = new URL('public/', document.baseURI).pathname;
window.MonacoEnvironment = {
  getWorker: () => new Worker(new URL('monaco-editor/esm/vs/editor/editor.worker.js', import.meta.url)),
};

export {};
