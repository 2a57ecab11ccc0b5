// Modules that webpack resolves and TypeScript does not know.
declare module 'amd-module' {
  const module: { uri?: string } | undefined;
  export default module;
}
declare module '*.svg' {
  const address: string;
  export default address;
}
// tools/pack.cjs
declare module '*.yaml' {
  const pack: import('./packs/packs').Pack;
  export default pack;
}
declare let __webpack_public_path__: string;
