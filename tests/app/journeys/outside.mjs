/* The watch over requests itself: what a page, a style, a font, an image, a frame or a worker asks of another host is seen, so that "no request leaves
   loopback" of all the other journeys can fail. And Monaco's worker, which must come from our own host, runs where an editor stands. */
import assert from 'node:assert/strict';
import { enterEditor } from '../support/editor.mjs';

const ELSEWHERE = 'http://elsewhere.test';
const BAIT = `<style>@font-face{font-family:bait;src:url(${ELSEWHERE}/font.woff2)} body{font-family:bait}</style><link rel="stylesheet" href="${ELSEWHERE}/style.css">
<p>text</p><img src="${ELSEWHERE}/image.png"><iframe src="${ELSEWHERE}/frame.html"></iframe><script src="${ELSEWHERE}/script.js"></script>`;
const ASKED = ['font.woff2', 'style.css', 'image.png', 'frame.html', 'script.js', 'fetch', 'worker'].sort();

export default function outside({ inWindow, step }) {
  step('what leaves is seen, whoever asks for it', () => inWindow({}, async (session) => {
    await session.context.route(`${ELSEWHERE}/**`, (route) => route.abort());
    await session.page.setContent(BAIT, { waitUntil: 'commit' });
    await session.page.evaluate(async (elsewhere) => {
      const work = `fetch('${elsewhere}/worker').catch(() => postMessage('asked'))`;
      const worker = new Worker(URL.createObjectURL(new Blob([work])));
      await Promise.all([fetch(`${elsewhere}/fetch`).catch(() => undefined), new Promise((done) => (worker.onmessage = done)), document.fonts.load('1em bait').catch(() => undefined)]);
    }, ELSEWHERE);
    assert.deepEqual([...new Set(session.outside.map((url) => new URL(url).pathname.slice(1)))].sort(), ASKED);
    session.forget(); // the browser's complaints, too: they are about the bait
  }));

  step('the editor’s worker comes from here', () => inWindow({}, async (session) => {
    await session.goto('/rules/new');
    await enterEditor(session.page);
    const worker = session.page.workers()[0] ?? (await session.page.waitForEvent('worker'));
    assert.equal(new URL(worker.url()).hostname, '127.0.0.1');
    assert.equal(await worker.evaluate(() => typeof self.postMessage), 'function', 'it runs');
  }));
}
