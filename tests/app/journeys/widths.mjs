/* Every page at the widths of screens, in a narrow split and on a phone: the document is no wider than the window, nothing is cut at its side, and no tab is
   hidden. What has more than fits, such as a table, scrolls in a region of its own. On a phone
   what is tapped is 44 px high and wide, filters are behind one button, and the picker shows its range. Runs in Node. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { settled } from '../support/pages.mjs';
import { places } from '../support/places.mjs';

const HEIGHT = 850;
/** Grafana's own navigation takes its part of the narrow one. */
const WIDTHS = { host12: [1920, 1280, 720], host13: [1920, 1280, 720], standalone: [1920, 1280, 360] };

const PHONE = 544;
const TAPPED = 44;

/**
 * What is tapped and is smaller than a finger: each as text. A point so far from the middle of one leads to it, to its label, or to the card that it opens. Links within
 * a sentence are not meant, nor what Monaco draws, rows of a waterfall, and bars of a time line, of which there are as many as fit.
 */
const small = (page) => page.evaluate((least) => {
  const isInText = (one) => one.tagName === 'A' && getComputedStyle(one).display === 'inline';
  const isMeant = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 0 && !one.disabled && !isInText(one) && !one.closest('.monaco-editor, [role="treegrid"], [data-fine], [data-toggle]');
  const targetOf = (one) => (['radio', 'checkbox'].includes(one.type) ? (one.labels?.[one.labels.length - 1] ?? one) : (one.closest('[data-testid="input-wrapper"], [role="combobox"]') ?? one));
  const reach = (one, target) => {
    target.scrollIntoView({ block: 'center', inline: 'center' });
    const { left, right, top, bottom } = target.getBoundingClientRect();
    const [x, y, far] = [(left + right) / 2, (top + bottom) / 2, least / 2 - 1];
    const leads = (dx, dy) => [target, one].some((wanted) => wanted.contains(document.elementFromPoint(x + dx, y + dy)));
    return (leads(0, -far) && leads(0, far)) && (leads(-far, 0) && leads(far, 0));
  };
  return [...document.querySelectorAll('main :is(button, a, input, textarea), header :is(button, a)')]
    .filter((one) => isMeant(one) && !reach(one, targetOf(one)))
    .map((one) => {
      const { width, height } = targetOf(one).getBoundingClientRect();
      return `${one.tagName.toLowerCase()} ${(one.getAttribute('aria-label') || one.textContent || one.id || one.type || '').trim().slice(0, 40)}: ${Math.round(width)} × ${Math.round(height)}`;
    });
}, TAPPED);

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
          if (width <= PHONE) {
            assert.deepEqual(await small(session.page), []);
          }
        });
      }
    }));
  }

  if (run.target.name === 'standalone') {
    step('on a phone filters are behind one button, and the picker shows its range', () => inWindow({}, async (session) => {
      const { page } = session;
      await page.setViewportSize({ width: 390, height: 844 });
      await session.goto('/violations?from=now-24h&to=now&severity=high');
      const filters = page.getByRole('search', { name: 'Filters' });
      const opener = page.getByRole('button', { name: 'Filters (1)' });
      await opener.waitFor();
      assert.equal(await filters.isVisible(), false);
      await page.getByText('Last 24 hours').waitFor();
      await opener.click();
      await filters.waitFor();
      await settled(page);
      assert.deepEqual([...(await cut(page)), ...(await small(page)), ...(await weightyFaults(page))], []);
      await session.shot('phone-filters');
    }));
  }
}
