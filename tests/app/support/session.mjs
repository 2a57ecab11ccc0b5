/* One browser window and what it must never do: speak to anything but loopback, write errors to the console, throw, or crash the host. Known
   faults of others are named here, each with whose it is. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { tool } from '../../../grafana-betrace-app/harness/tools.mjs';
import { ROOT } from './betrace.mjs';

/** The same engine as in Debian's `chromium`, without the parts of a desktop: a third less of the processor for the same journeys. */
const EXECUTABLE = process.env.CHROMIUM_BIN || '/usr/bin/chromium-headless-shell';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
/** What ends a wait for something that never comes. No time is judged by it: a page may be slow where much else runs. */
const PATIENCE_MS = Number(process.env.APP_PATIENCE_MS) || 120_000;
const ICONS_MS = 200; // icons come one by one after the page is drawn; for the picture only
export const SHOTS = path.join(ROOT, 'build/app/screenshots');

/* What the browser itself says about an answer that is not 2xx: the answer is what the page has to deal with, and the journeys look at that. */
const STATUS_LINE = /^Failed to load resource: the server responded with a status of \d+/;
const KNOWN = [
  { text: STATUS_LINE, whose: 'the browser: an answer with an error status' },
];

export async function launch() {
  if (!fs.existsSync(EXECUTABLE)) {
    throw new Error(`no ${EXECUTABLE}: apt-get install chromium-headless-shell, or name one in CHROMIUM_BIN`);
  }
  return tool('playwright-core').chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
}

/** A window. Its faults are gathered; `end` asserts that there were none. */
export class Session {
  constructor(context, target, options) {
    Object.assign(this, { context, target, options, outside: [], faults: [], missing: [] });
  }

  static async open(browser, target, options) {
    const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, colorScheme: options.theme, locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce' });
    context.setDefaultTimeout(PATIENCE_MS);
    const session = new Session(context, target, options);
    await target.prepare(context, options);
    session.page = await context.newPage();
    session.watch();
    return session;
  }

  watch() {
    // of the context: frames' and workers' are among them
    this.context.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (!['data:', 'blob:'].includes(protocol) && hostname !== '127.0.0.1') {
        this.outside.push(request.url());
      }
    });
    this.page.on('response', (response) => response.status() === 404 && this.missing.push(new URL(response.url()).pathname));
    this.page.on('pageerror', (error) => this.faults.push(`thrown: ${error.stack ?? error}`));
    this.page.on('console', (message) => {
      if (message.type() === 'error' && !KNOWN.some((one) => one.text.test(message.text()))) {
        this.faults.push(`console: ${message.text().slice(0, 600)}`);
      }
    });
  }

  /** Opens a page of the app by its path inside the app, such as /rules. */
  async goto(inside) {
    await this.page.goto(this.target.address(inside, this.options));
  }

  /** Where the window is, inside the app: /rules?q=x. */
  where() {
    return this.target.inside(this.page.url());
  }

  async shot(name) {
    const folder = path.join(SHOTS, this.target.name);
    fs.mkdirSync(folder, { recursive: true });
    await this.page.waitForTimeout(ICONS_MS);
    await this.page.screenshot({ path: path.join(folder, `${name}-${this.options.theme}.png`), animations: 'disabled' });
  }

  /** A new page in the same window answers for itself only. */
  forget() {
    this.outside.length = this.faults.length = this.missing.length = 0;
  }

  async close() {
    await this.context.close();
  }

  end() {
    assert.deepEqual(this.outside, [], 'no request leaves loopback');
    assert.deepEqual([...new Set(this.missing)].filter((path) => path.startsWith('/public/') || path.startsWith('/assets/')), [], 'no icon, font or chunk is missing');
    assert.deepEqual(this.faults, [], 'nothing was thrown and nothing is wrong in the console');
  }
}
