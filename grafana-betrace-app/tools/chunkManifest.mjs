// A webpack plugin for tools/size.mjs. It writes which files the first load takes, and which ones each page adds.
import fs from 'node:fs';
import path from 'node:path';

const APP = /GrafanaApp|standalone\.tsx|\/i18n/;
const PAGE = /pages\/(\w+)$/;

const codeFiles = (chunk) => [...chunk.files].filter((file) => /\.(js|css)$/.test(file));

/** Chunks that an import() of this module brings: its chunk group, with the shared chunks split off from it. */
function importsOf(compilation) {
  const found = [];
  for (const group of compilation.chunkGroups) {
    for (const origin of group.origins) {
      if (origin.request) {
        found.push({ request: origin.request, from: origin.module?.resource ?? '', files: group.chunks.flatMap(codeFiles) });
      }
    }
  }
  return found;
}

export class ChunkManifestPlugin {
  constructor(file) {
    this.file = file;
  }

  apply(compiler) {
    compiler.hooks.afterEmit.tap('ChunkManifest', (compilation) => {
      const imports = importsOf(compilation);
      const first = new Set([...compilation.entrypoints.values()].flatMap((entry) => entry.chunks.flatMap(codeFiles)));
      imports.filter(({ request }) => APP.test(request)).forEach(({ files }) => files.forEach((file) => first.add(file)));
      const pages = {};
      imports.forEach(({ request, from, files }) => {
        const name = PAGE.exec(request)?.[1];
        if (name && from.endsWith('AppRoutes.tsx')) {
          pages[name] = [...new Set(files)];
        }
      });
      fs.mkdirSync(path.dirname(this.file), { recursive: true });
      fs.writeFileSync(this.file, JSON.stringify({ first: [...first], pages }, null, 1));
    });
  }
}
