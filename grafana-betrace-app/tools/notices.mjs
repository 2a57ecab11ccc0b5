// A webpack plugin that writes THIRD_PARTY_NOTICES.txt: name, version, licence and licence text of each package of
// which something is in the bundle, and of those whose files are copied next to it. Made of what webpack has put in, so
// nothing has to be listed by hand. A package that may not be handed out ends the build; one that names no licence is
// listed as such, for somebody to ask its author.
import fs from 'node:fs';
import path from 'node:path';

export const NOTICES = 'THIRD_PARTY_NOTICES.txt';
const TEXT = /^(un)?(licen[cs]e|copying|notice)([.-].*)?$/i;
const RULE = '='.repeat(100);

/** The folder of the package that a file of node_modules belongs to. */
function packageOf(file) {
  const marker = `${path.sep}node_modules${path.sep}`;
  const at = file?.lastIndexOf(marker) ?? -1;
  if (at < 0) {
    return null;
  }
  const parts = file.slice(at + marker.length).split(path.sep);
  return path.join(file.slice(0, at + marker.length), ...parts.slice(0, parts[0].startsWith('@') ? 2 : 1));
}

/** Modules, and those that were joined into one. */
function* resources(modules) {
  for (const module of modules) {
    yield module.resource;
    yield* resources(module.modules ?? []);
  }
}

function describe(folder) {
  const { name, version, license, licenses } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const id = typeof license === 'string' ? license : (license?.type ?? licenses?.map(({ type }) => type).join(' OR '));
  const texts = fs
    .readdirSync(folder)
    .filter((file) => TEXT.test(file) && fs.statSync(path.join(folder, file)).isFile())
    .sort()
    .map((file) => fs.readFileSync(path.join(folder, file), 'utf8').trim());
  if (id === 'UNLICENSED') {
    throw new Error(`${name} ${version} may not be handed out, and is in the bundle: take another package`);
  }
  return { name, version, id: id ?? (texts.length > 0 ? 'as its text says' : 'it names none'), text: texts.join('\n\n') || 'The package carries no text of this licence.' };
}

/** The text for the packages in these folders, in order of their names. */
export function writeNotices(folders) {
  const packages = [...new Set(folders.map((folder) => fs.realpathSync(folder)))].map(describe);
  packages.sort((a, b) => (a.name + a.version < b.name + b.version ? -1 : 1));
  const parts = packages.map(({ name, version, id, text }) => `${RULE}\n${name} ${version} (${id})\n${RULE}\n\n${text}\n`);
  return `These pages hold parts of the packages below.\n\n${parts.join('\n')}`;
}

export class NoticesPlugin {
  /** copied: folders of packages whose files are copied, which webpack does not see as modules. */
  constructor(copied = []) {
    this.copied = copied;
  }

  apply(compiler) {
    const { Compilation, sources } = compiler.webpack;
    compiler.hooks.thisCompilation.tap('Notices', (compilation) => {
      const stage = Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL;
      compilation.hooks.processAssets.tap({ name: 'Notices', stage }, () => {
        const folders = [...resources(compilation.modules)].map(packageOf).filter(Boolean);
        compilation.emitAsset(NOTICES, new sources.RawSource(writeNotices([...folders, ...this.copied])));
      });
    });
  }
}
