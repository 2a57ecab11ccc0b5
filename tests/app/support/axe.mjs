/* axe-core in a page: the serious and critical faults, each with the elements that have it. Runs in Node; axe itself in the page. */
import fs from 'node:fs';
import path from 'node:path';
import { toolFolder } from '../../../grafana-betrace-app/harness/tools.mjs';

const WEIGHTY = ['serious', 'critical'];
/* Faults of components that Grafana's packages bring and that pages cannot mend: the zone's colour in the button of the time range in light, and
   that button's name, which says the range in other words than it shows. */
const OF_GRAFANA = [
  { id: 'color-contrast', inside: 'button[aria-controls="TimePickerContent"]' },
  { id: 'label-content-name-mismatch', inside: 'button[aria-controls="TimePickerContent"]' },
];

/** [{id, impact, help, nodes}] of the page as it is. */
export async function weightyFaults(page) {
  await page.mouse.move(0, 0); // what a pointer rests on has colours of its own, and what fades has others
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.waitForFunction(() => document.getAnimations().every((one) => !(one instanceof CSSTransition)));
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(fs.readFileSync(path.join(toolFolder('axe-core'), 'axe.min.js'), 'utf8')); // not a tag, which the page's policy refuses
  }
  return page.evaluate(async ({ weighty, known }) => {
    const answer = await window.axe.run(document, { resultTypes: ['violations'] });
    const isKnown = (id, node) => known.some((one) => one.id === id && document.querySelector(node.target.at(-1))?.closest(one.inside));
    const why = (node) => (node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? '';
    return answer.violations
      .filter((one) => weighty.includes(one.impact))
      .map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.filter((node) => !isKnown(id, node)).map((node) => `${node.html.slice(0, 120)}: ${why(node)}`) }))
      .filter((one) => one.nodes.length > 0);
  }, { weighty: WEIGHTY, known: OF_GRAFANA });
}
