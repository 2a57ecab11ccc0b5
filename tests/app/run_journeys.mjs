/* Drives a real Chromium through the pages at one target, against real betraces: every journey of journeys/ as a test of node:test, all in one
   browser, each in windows of its own.

     node tests/app/run_journeys.mjs host12|host13|standalone [part of a journey's name …] [--pictures]

   A journey may say `only(target)`, where it belongs, and `skip(target)`, what it lacks. Screenshots go to build/app/screenshots/<target>/.
   With --pictures the journey `pictures` writes what docs show to docs/images/. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, Session } from './support/session.mjs';
import { TARGETS } from './support/targets.mjs';
import { World } from './support/world.mjs';

const JOURNEYS = path.join(import.meta.dirname, 'journeys');
/** What ends a step that hangs; a step has several waits of support/session.mjs. */
const LIMIT_MS = 900_000;

const PICTURES = '--pictures';
const [name = 'host12', ...parts] = process.argv.slice(2).filter((one) => one !== PICTURES);
assert.ok(TARGETS[name], `no target ${name}; known are ${Object.keys(TARGETS).join(', ')}`);
const target = TARGETS[name]();
const all = fs.readdirSync(JOURNEYS).filter((one) => one.endsWith('.mjs')).sort();
const unknown = parts.filter((part) => !all.some((one) => one.includes(part)));
assert.deepEqual(unknown, [], `no journey is called ${unknown.join(', ')}; there are ${all.join(', ')}`);
const files = all.filter((one) => parts.length === 0 || parts.some((part) => one.includes(part)));

const run = { target, world: new World(target.options), writesPictures: process.argv.includes(PICTURES) };

/** A window for one step of a journey: closed, and judged, when the step is done. */
async function inWindow(options, step) {
  const session = await Session.open(run.browser, target, { theme: 'dark', ...options });
  try {
    await step(session);
    session.end();
  } catch (error) {
    await session.shot(`failed-${Date.now()}`).catch(() => {});
    error.message += `\n  at ${session.page.url()}; ${session.faults.join('; ')}`;
    throw error;
  } finally {
    await session.close();
  }
}

describe(name, { concurrency: false }, async () => {
  before(async () => {
    run.services = await run.world.start();
    await target.start(run.services);
    run.browser = await launch();
  }, { timeout: LIMIT_MS });
  after(async () => {
    await run.browser?.close();
    await target.stop();
    await run.world.stop();
  }, { timeout: LIMIT_MS });

  for (const file of files) {
    const { default: journey, only, skip } = await import(path.join(JOURNEYS, file));
    if (only && !only(target)) {
      continue;
    }
    if (skip?.(target)) {
      test(file, { skip: skip(target) });
      continue;
    }
    describe(file.replace('.mjs', ''), () => journey({
      run, inWindow,
      step: (title, body) => test(title, { timeout: LIMIT_MS }, body),
    }));
  }
});
