/* Every page at the widths of screens, and in a narrow split: the document is no wider than the window, nothing is cut at its side, and no tab is
   hidden. What has more than fits, such as a table, scrolls in a region of its own. Runs in Node. */
import assert from 'node:assert/strict';
import { settled } from '../support/pages.mjs';
import { places } from '../support/places.mjs';

const HEIGHT = 850;
/** Grafana's own navigation takes its part of the narrow one. */
const WIDTHS = { host12: [1920, 1280, 720], host13: [1920, 1280, 720], standalone: [1920, 1280, 480] };

/** What reaches out of the window, and tabs that their strip hides: each as text. */
const cut = (page) => page.evaluate(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const out = scrollWidth > clientWidth ? [`the document is ${scrollWidth} wide in ${clientWidth}`] : [];
  const scrolls = (one) => ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(one).overflowX);
  const boxOf = (one) => {
    for (let box = one.parentElement; box; box = box.parentElement) {
      if (scrolls(box)) {
        return box;
      }
    }
    return null;
  };
  const name = (one) => `${one.tagName.toLowerCase()} ${(one.getAttribute('aria-label') ?? one.textContent ?? '').trim().slice(0, 40)}`;
  for (const one of document.querySelectorAll('main *, nav *')) {
    const { right, width } = one.getBoundingClientRect();
    if (width > 0 && right > clientWidth + 1 && boxOf(one) === null) {
      out.push(`${name(one)} ends at ${Math.round(right)} of ${clientWidth}`);
    }
  }
  for (const tab of document.querySelectorAll('[role="tab"], nav a')) {
    const { left, right } = tab.getBoundingClientRect();
    const strip = (boxOf(tab) ?? document.documentElement).getBoundingClientRect();
    if (left < strip.left - 1 || right > strip.right + 1) {
      out.push(`the tab ${name(tab)} is cut: ${Math.round(left)} to ${Math.round(right)} in ${Math.round(strip.left)} to ${Math.round(strip.right)}`);
    }
  }
  return out.slice(0, 8);
});

export default function widths({ run, inWindow, step }) {
  for (const width of WIDTHS[run.target.name]) {
    step(`every page is whole at ${width} pixels`, (context) => inWindow({}, async (session) => {
      await session.page.setViewportSize({ width, height: HEIGHT });
      for (const place of await places(run.services.main)) {
        await context.test(place.name, async () => {
          await session.goto(place.at);
          await settled(session.page);
          await session.shot(`${place.name}-${width}`);
          assert.deepEqual(await cut(session.page), []);
        });
      }
    }));
  }
}
