/* Every page in both themes: opened by its address alone, drawn, read by axe, photographed, and the same again after a reload. */
import assert from 'node:assert/strict';
import { weightyFaults } from '../support/axe.mjs';
import { plainText, settled } from '../support/pages.mjs';
import { places } from '../support/places.mjs';

const settingsPage = { name: 'grafana-settings', at: '/config' };

const titleOf = (session) => session.page.getByRole('heading', { level: 1 }).first().innerText();

async function visit(session, place) {
  await session.goto(place.at);
  await settled(session.page);
  const title = await titleOf(session);
  assert.notEqual(title.trim(), '', `${place.name} has a title`);
  await plainText(session.page);
  assert.equal(await session.page.getByTestId('data-testid Alert error').count(), 0, `${place.name} has nothing to complain of`);
  await session.shot(place.name);
  assert.deepEqual(await weightyFaults(session.page), [], `axe on ${place.name}, ${session.options.theme}`);
  session.end();
}

/** A title may be an id until the name of it is there. */
async function comeBack(session, place) {
  const title = await titleOf(session);
  await session.page.reload();
  await settled(session.page);
  for (let left = 50; left > 0 && (await titleOf(session)) !== title; left -= 1) {
    await session.page.waitForTimeout(100);
  }
  assert.equal(await titleOf(session), title, `${place.name} after a reload`);
}

export default function tour({ run, inWindow, step }) {
  for (const theme of ['dark', 'light']) {
    step(`every page, ${theme}`, (context) => inWindow({ theme }, async (session) => {
      for (const place of [...(await places(run.services.main)), ...(run.target.roles ? [settingsPage] : [])]) {
        await context.test(place.name, async () => {
          session.forget();
          await visit(session, place);
          if (theme === 'dark') {
            await comeBack(session, place);
          }
        });
      }
    }));
  }
}
