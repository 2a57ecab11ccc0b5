/* One browser window and what it must never do: speak to anything but loopback, write errors to the console, throw, or crash the host. Known
   faults of others are named here, each with whose it is. Runs in Node. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
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

const START = { executablePath: EXECUTABLE, headless: true, args: FLAGS };
const WINDOW = { viewport: { width: 1360, height: 850 }, locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce' };

/* What the browser itself says about an answer that is not 2xx: the answer is what the page has to deal with, and the journeys look at that. */
const STATUS_LINE = /^Failed to load resource: the server responded with a status of \d+/;
const KNOWN = [
  { text: STATUS_LINE, whose: 'the browser: an answer with an error status' },
];

/** A browser. All its windows have one profile, and come one after the other: what it compiled of the pages for one of them is there for the next, which
    halves what a page costs. A window for a first visit has a profile of its own, with nothing in it. */
class Browser {
  static async launch() {
    if (!fs.existsSync(EXECUTABLE)) {
      throw new Error(`no ${EXECUTABLE}: apt-get install chromium-headless-shell, or name one in CHROMIUM_BIN`);
    }
    const browser = new Browser();
    browser.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-browser-'));
    browser.shared = await tool('playwright-core').chromium.launchPersistentContext(browser.folder, { ...START, ...WINDOW });
    return browser;
  }

  /** {context, end(origins)}: where a window opens, and what leaves nothing of it behind. */
  async profile({ isFirstVisit = false }) {
    if (isFirstVisit) {
      this.other ??= await tool('playwright-core').chromium.launch(START);
      const context = await this.other.newContext(WINDOW);
      return { context, end: () => context.close() };
    }
    return { context: this.shared, end: (origins) => this.empty(origins) };
  }

  async empty(origins) {
    const [kept, ...others] = this.shared.pages();
    const devtools = await this.shared.newCDPSession(kept);
    await Promise.all(others.map((page) => page.close()));
    for (const origin of origins) {
      await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'local_storage,indexeddb,cache_storage,service_workers' });
    }
    await devtools.detach();
    await this.shared.unrouteAll({ behavior: 'ignoreErrors' });
    await this.shared.clearCookies();
  }

  async close() {
    await this.other?.close();
    await this.shared.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

export const launch = () => Browser.launch();

/** A window. Its faults are gathered; `end` asserts that there were none. */
export class Session {
  constructor(profile, target, options) {
    Object.assign(this, { profile, context: profile.context, target, options, outside: [], faults: [], missing: [], origins: new Set() });
  }

  /** Options: `theme`, `isFirstVisit`, and those of the target. */
  static async open(browser, target, options) {
    const session = new Session(await browser.profile(options), target, options);
    session.context.setDefaultTimeout(PATIENCE_MS);
    await target.prepare(session.context, options);
    session.page = await session.context.newPage();
    await session.page.emulateMedia({ colorScheme: options.theme });
    session.watch();
    return session;
  }

  onRequest = (request) => {
    const { protocol, hostname, origin } = new URL(request.url());
    if (hostname === '127.0.0.1') {
      this.origins.add(origin);
    } else if (!['data:', 'blob:'].includes(protocol)) {
      this.outside.push(request.url());
    }
  };

  watch() {
    // of the context: frames' and workers' are among them
    this.context.on('request', this.onRequest);
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
    this.context.off('request', this.onRequest);
    await this.profile.end(this.origins);
  }

  end() {
    assert.deepEqual(this.outside, [], 'no request leaves loopback');
    assert.deepEqual([...new Set(this.missing)].filter((path) => path.startsWith('/public/') || path.startsWith('/assets/')), [], 'no icon, font or chunk is missing');
    assert.deepEqual(this.faults, [], 'nothing was thrown and nothing is wrong in the console');
  }
}
