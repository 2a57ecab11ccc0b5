/* What the build made, as Grafana will look at it: descriptions filled in, every file that they name there, both ids, logos, nothing that points
   to another host. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from './support/betrace.mjs';

const DIST = path.join(ROOT, 'grafana-betrace-app/dist');
const UI = path.join(ROOT, 'grafana-betrace-app/dist-ui');
const read = (...names) => fs.readFileSync(path.join(...names), 'utf8');
const json = (...names) => JSON.parse(read(...names));
const there = (...names) => fs.existsSync(path.join(...names));

/** Grafana shows a logo by its path from the folder of the plugin.json that names it. */
function logosThere(folder) {
  for (const logo of Object.values(json(folder, 'plugin.json').info.logos)) {
    assert.ok(there(folder, logo), `${path.relative(ROOT, folder)}/${logo}`);
  }
}

describe('the built app', () => {
  const plugin = json(DIST, 'plugin.json');
  test('is called betrace-app, and its description is filled in', () => {
    assert.equal(plugin.id, 'betrace-app');
    assert.equal(plugin.info.version, json(ROOT, 'grafana-betrace-app/package.json').version);
    assert.match(plugin.info.updated, /^\d{4}-\d{2}-\d{2}$/);
    assert.doesNotMatch(read(DIST, 'plugin.json').replaceAll('%PLUGIN_ID%', ''), /%[A-Z_]+%/);
  });
  test('has its module, logos and texts', () => {
    assert.match(read(DIST, 'module.js'), /define\(/);
    logosThere(DIST);
    for (const language of plugin.languages ?? []) {
      assert.ok(there(DIST, 'locales', language, 'betrace-app.json'), language);
    }
  });
  test('has every file that it includes', () => {
    for (const include of plugin.includes.filter((one) => ['dashboard', 'datasource'].includes(one.type))) {
      assert.ok(there(DIST, include.path), include.path);
    }
  });
  test('has what the catalogue of plugins shows: pictures, a changelog, a README for people who use it', () => {
    for (const { path: picture } of plugin.info.screenshots) {
      assert.equal(fs.readFileSync(path.join(DIST, picture)).toString('latin1', 1, 4), 'PNG', picture);
    }
    assert.ok(plugin.info.screenshots.length > 0);
    assert.ok(read(DIST, 'CHANGELOG.md').includes(`## ${plugin.info.version}\n`), 'the version has its entry');
    const readme = read(DIST, 'README.md');
    assert.doesNotMatch(readme, /\]\((?!https:\/\/|#)/, 'links lead somewhere from the catalogue too');
    assert.doesNotMatch(readme, /\b(yarn|nodejs|npm|webpack)\b/, 'how it is built is not for its users');
    assert.ok(plugin.info.links.every((link) => link.url.startsWith('https://')));
  });
  test('has source maps of exactly the files in src, which name nothing of the machine that built them', () => {
    const src = path.join(ROOT, 'grafana-betrace-app/src');
    for (const map of fs.readdirSync(DIST, { recursive: true }).filter((name) => name.endsWith('.js.map'))) {
      const { sources, sourcesContent } = json(DIST, map);
      sources.forEach((source, at) => {
        assert.match(source, /^webpack:\/\/betrace-app\/(\.\/|webpack\/|external )/, map);
        const inside = source.replace('webpack://betrace-app/', '');
        if (/^\.\/(?!node_modules\/).*\.tsx?$/.test(inside)) {
          assert.equal(sourcesContent[at], read(src, inside), `${map}: ${source}`);
        }
      });
    }
  });
  test('leaves what Grafana shares out of its bundle', () => {
    const module = read(DIST, 'module.js');
    for (const name of ['react', '@grafana/data', '@grafana/runtime']) {
      assert.ok(module.slice(0, 2000).includes(`"${name}"`), `${name} is asked for, not bundled`);
    }
  });
});

describe('notices of other people\'s work', () => {
  const noticesOf = (folder) => [...read(folder, 'THIRD_PARTY_NOTICES.txt').matchAll(/^={100}\n(\S+) (\S+) \((.+)\)\n={100}\n\n([^]*?)(?=^={100}\n\S+ \S+ \(|$(?![^]))/gm)];
  test('name each package of the pages with its licence and its text', () => {
    const found = new Map(noticesOf(UI).map(([, name, version, id, text]) => [name, { version, id, text }]));
    assert.ok(found.size > 20, `${found.size} packages`);
    for (const [name, licence] of [['react', 'MIT'], ['react-dom', 'MIT'], ['rxjs', 'Apache-2.0'], ['@grafana/ui', 'Apache-2.0'], ['@fontsource-variable/inter', 'OFL-1.1']]) {
      assert.equal(found.get(name)?.id, licence, name);
      assert.match(found.get(name).text, /copyright|licen[cs]e/i, name);
    }
  });
  test('of the app name what is in its bundle and nothing that Grafana brings', () => {
    const names = noticesOf(DIST).map(([, name]) => name);
    assert.ok(names.includes('@tanstack/react-query'), names.join(' '));
    assert.ok(!names.includes('react') && !names.includes('@grafana/ui'), names.join(' '));
  });
});

describe('the built data source', () => {
  const folder = path.join(DIST, 'datasource');
  test('is called betrace-datasource, with its own module and logos', () => {
    const plugin = json(folder, 'plugin.json');
    assert.equal(plugin.id, 'betrace-datasource');
    assert.ok(plugin.backend && plugin.alerting && plugin.executable);
    assert.match(read(folder, 'module.js'), /define\(/);
    logosThere(folder);
  });
});

describe('the built standalone app', () => {
  test('takes everything from where it lies', () => {
    const page = read(UI, 'index.html');
    assert.doesNotMatch(page, /(src|href)="(https?:)?\/\//);
    for (const [, file] of page.matchAll(/(?:src|href)="([^"]+\.(?:js|css|svg))"/g)) {
      assert.ok(there(UI, file), file);
    }
  });
  test('runs no script that stands in the page, so that a strict policy can refuse those', () => {
    assert.doesNotMatch(read(UI, 'index.html'), /<script(?![^>]*\bsrc=)/);
  });
});
