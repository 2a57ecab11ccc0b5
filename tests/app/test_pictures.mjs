/* The pictures that docs show are there, are small, and are made by a journey; and none lies there that nobody shows. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MOST_BYTES, PICTURES } from './journeys/pictures.mjs';
import { ROOT } from './support/betrace.mjs';

const IMAGES = path.join(ROOT, 'docs/images');
const PLUGIN = path.join(ROOT, 'grafana-betrace-app/src/plugin.json');

/** Names of the PNG pictures that a text shows. */
const shownIn = (text) => [...text.matchAll(/!\[[^\]]*\]\(([^)\s]+\.png)\)/g)].map(([, address]) => path.basename(address, '.png'));

function documents() {
  const inDocs = fs.readdirSync(path.join(ROOT, 'docs'), { recursive: true }).map((name) => path.join(ROOT, 'docs', name));
  const all = [path.join(ROOT, 'README.md'), path.join(ROOT, 'CONTRIBUTING.md'), path.join(ROOT, 'grafana-betrace-app/README.md'), ...inDocs];
  return all.filter((name) => name.endsWith('.md')).map((name) => fs.readFileSync(name, 'utf8'));
}

const shown = [
  ...documents().flatMap(shownIn),
  ...JSON.parse(fs.readFileSync(PLUGIN, 'utf8')).info.screenshots.map((one) => path.basename(one.path, '.png')),
];

test('each picture that is shown is made by a journey, and each that a journey makes is shown', () => {
  assert.ok(shown.length >= 3, `${shown.length} pictures are shown`);
  assert.deepEqual([...new Set(shown)].sort(), [...PICTURES].sort());
});

test('each is there, is a PNG and is small, and no other lies next to it', () => {
  const there = fs.readdirSync(IMAGES).filter((name) => name.endsWith('.png'));
  assert.deepEqual(there.sort(), PICTURES.map((name) => `${name}.png`).sort(), 'run_journeys.mjs standalone pictures --pictures makes them');
  for (const name of there) {
    const bytes = fs.readFileSync(path.join(IMAGES, name));
    assert.equal(bytes.toString('latin1', 1, 4), 'PNG', name);
    assert.ok(bytes.length <= MOST_BYTES, `${name} has ${bytes.length} bytes, ${MOST_BYTES} at most`);
  }
});
