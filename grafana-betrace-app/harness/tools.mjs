/* The packages that the harness itself needs, out of grafana-betrace-app/node_modules, wherever the importing file lies; and the folders that
   everything here agrees on. Runs in Node. */
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const HARNESS = path.dirname(fileURLToPath(import.meta.url));
export const APP = path.dirname(HARNESS);
export const ROOT = path.dirname(APP);
export const CACHE = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'betrace');

const require = createRequire(path.join(APP, 'package.json'));

/** Loads a package of the app's node_modules; says what to do when there are none. */
export function tool(name) {
  try {
    return require(name);
  } catch (error) {
    throw new Error(`cannot load ${name} (${error.code}): run npm ci in ${path.relative(process.cwd(), APP) || '.'}, or make check SUITES=app`);
  }
}

/** The folder that a package of the app's node_modules lies in. */
export function toolFolder(name) {
  return path.dirname(require.resolve(`${name}/package.json`));
}
