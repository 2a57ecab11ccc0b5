/* Bundles the host page with esbuild, once for each set of packages: the result lies in the user's cache folder under a hash of the lock file
   and of the sources here, is written aside and renamed, and costs nothing the second time. Runs in Node.

     node build-host.mjs host12|host13     prints the folder */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { APP, CACHE, HARNESS, tool, toolFolder } from './tools.mjs';

/** Where each set's packages come from. */
export const HOSTS = {
  host12: { folder: APP, version: '12.4.10' },
  host13: { folder: path.join(HARNESS, 'host13'), version: '13.2.2' },
};

const SOURCES = ['build-host.mjs', ...fs.readdirSync(path.join(HARNESS, 'host')).sort().map((name) => `host/${name}`)];

/** The installed version of a package of the set, and a complaint where it is not the one that the set is named after. */
function expectVersion(modules, version) {
  for (const name of ['data', 'runtime', 'ui']) {
    const file = path.join(modules, '@grafana', name, 'package.json');
    const found = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).version : 'nothing';
    if (found !== version) {
      throw new Error(`${path.relative(APP, path.dirname(file))} holds ${found}, wanted ${version}: run npm ci in ${path.dirname(modules)}`);
    }
  }
}

function keyOf(set) {
  const digest = createHash('sha256');
  for (const file of [path.join(set.folder, 'package-lock.json'), ...SOURCES.map((name) => path.join(HARNESS, name))]) {
    digest.update(fs.readFileSync(file));
  }
  return digest.digest('hex').slice(0, 16);
}

/* Two routers of two generations live in these packages, and some files are not exported: found by path, nested copies first. */
function aliases(modules) {
  const find = (...candidates) => {
    const found = candidates.map((one) => path.join(modules, one)).find((one) => fs.existsSync(one));
    if (!found) {
      throw new Error(`none of ${candidates.join(', ')} in ${modules}`);
    }
    return found;
  };
  return {
    'host:plugin-page': find('@grafana/runtime/dist/esm/components/PluginPage.mjs'),
    'host:i18n': find('@grafana/i18n/dist/esm/i18n.mjs'),
    'host:router-v5': find('@grafana/ui/node_modules/react-router-dom/esm/react-router-dom.js', 'react-router-dom/esm/react-router-dom.js'),
    'host:router-compat': find('@grafana/ui/node_modules/react-router-dom-v5-compat/dist/index.js', 'react-router-dom-v5-compat/dist/index.js'),
    'host:worker': find('monaco-editor/esm/vs/editor/editor.worker.js'),
  };
}

/* The sources here lie below the app's own node_modules, which would win: what they import comes from the set instead. */
const fromSet = (modules) => ({
  name: 'from-set',
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, (found) => {
      const ours = found.importer.startsWith(path.join(HARNESS, 'host') + path.sep);
      return ours && !found.path.startsWith('host:') ? build.resolve(found.path, { kind: found.kind, resolveDir: path.dirname(modules) }) : undefined;
    });
  },
});

async function bundle(modules, folder) {
  await tool('esbuild').build({
    entryPoints: { host: path.join(HARNESS, 'host', 'main.jsx'), 'editor.worker': aliases(modules)['host:worker'] },
    bundle: true, format: 'iife', outdir: folder, minify: true, jsx: 'automatic', target: 'es2022', logLevel: 'error',
    plugins: [fromSet(modules)], alias: aliases(modules), absWorkingDir: HARNESS,
    // lodash would register itself with System's AMD loader otherwise, and then not be there for the bundle
    define: { 'process.env.NODE_ENV': '"production"', global: 'window', 'process.env.BUILD': '""', 'define.amd': 'undefined' },
    loader: { '.ttf': 'file', '.woff2': 'file', '.svg': 'text', '.png': 'dataurl' },
  });
  for (const name of ['system.js', 'extras/amd.js']) {
    fs.copyFileSync(path.join(toolFolder('systemjs'), 'dist', name), path.join(folder, path.basename(name)));
  }
}

/** Builds where needed: {folder, modules, version} of a host. */
export async function buildHost(name) {
  const set = HOSTS[name];
  if (!set) {
    throw new Error(`no host ${name}; known are ${Object.keys(HOSTS).join(', ')}`);
  }
  const modules = fs.realpathSync(path.join(set.folder, 'node_modules'));
  expectVersion(modules, set.version);
  const folder = path.join(CACHE, `${name}-${keyOf(set)}`);
  if (!fs.existsSync(folder)) {
    fs.mkdirSync(CACHE, { recursive: true });
    const unfinished = fs.mkdtempSync(`${folder}.`);
    try {
      await bundle(modules, unfinished);
      fs.renameSync(unfinished, folder);
    } catch (error) {
      if (!fs.existsSync(folder)) {
        throw error;
      }
    } finally {
      fs.rmSync(unfinished, { recursive: true, force: true });
    }
  }
  return { folder, modules, version: set.version };
}

if (process.argv[1] && import.meta.url.endsWith(path.basename(process.argv[1]))) {
  console.log((await buildHost(process.argv[2] ?? 'host12')).folder);
}
