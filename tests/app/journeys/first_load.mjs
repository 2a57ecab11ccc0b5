/* What a first visit costs, with nothing in the browser's cache: bytes after gzip, which have limits, and times, which are printed and have none
   (a machine that is busy with other things says nothing about the pages). */
import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { settled } from '../support/pages.mjs';

const LIMITS = { plugin: 300 * 1024, standalone: 2.5 * 1024 * 1024 };
const OWN = /^\/public\/plugins\/betrace-app\//;

/** Gathers the bodies of what the page loads, as gzip would send them; images and fonts are packed already and count as they are. */
function gather(page, mine) {
  const loads = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (mine(pathname) && response.ok()) {
      loads.push(response.body().then((body) => ({ pathname, size: /\.(woff2|png)$/.test(pathname) ? body.length : zlib.gzipSync(body).length }), () => undefined));
    }
  });
  return async () => (await Promise.all(loads)).filter(Boolean);
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;

async function paint(page) {
  return page.evaluate(() => {
    const first = performance.getEntriesByName('first-contentful-paint')[0];
    return { firstPaint: first?.startTime, now: performance.now() };
  });
}

export default function firstLoad({ run, inWindow, step }) {
  const standalone = !run.target.roles;
  const limit = standalone ? LIMITS.standalone : LIMITS.plugin;
  for (const place of ['', '/rules', '/violations']) {
    step(`first load of ${place || '/'}`, async (context) => inWindow({ isFirstVisit: true }, async (session) => {
      const loaded = gather(session.page, standalone ? (path) => !path.startsWith('/v1/') : (path) => OWN.test(path));
      await session.goto(place);
      await settled(session.page);
      const { firstPaint, now } = await paint(session.page);
      const files = await loaded();
      const sum = files.reduce((total, file) => total + file.size, 0);
      context.diagnostic(`${run.target.name}${place}: ${files.length} files, ${kib(sum)} after gzip (limit ${kib(limit)}); first paint ${Math.round(firstPaint)} ms, drawn ${Math.round(now)} ms`);
      assert.ok(files.length > 0, 'something was loaded');
      assert.ok(sum <= limit, `${kib(sum)}: ${files.sort((a, b) => b.size - a.size).slice(0, 5).map((one) => `${one.pathname} ${kib(one.size)}`).join(', ')}`);
    }));
  }
}
