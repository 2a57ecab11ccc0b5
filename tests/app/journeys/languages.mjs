/* A reader whose Grafana speaks another language: there are English texts only, so those are shown, and the console has nothing to complain
   about (inWindow asserts that). Runs in Node. */
import { connect, open, startGateway } from '../support/gateway.mjs';
import { plainText, settled } from '../support/pages.mjs';

export const only = (target) => target.roles; // the language is Grafana's

export default function languages({ run, inWindow, step }) {
  for (const language of ['de-DE', 'fr-FR', 'es-ES', 'ja-JP', 'zh-Hans']) {
    step(`${language}: pages, settings and the query editor have their texts`, () => inWindow({ language }, async (session) => {
      const { page } = session;
      for (const [at, text] of [['/violations?from=now-24h&to=now&view=list', 'What happened'], ['/config', 'Save']]) {
        await session.goto(at);
        await page.getByText(text).first().waitFor();
        await settled(page);
        await plainText(page);
      }
      const gateway = await startGateway(run.target.dist, run.services.main.url);
      try {
        await connect(session, gateway);
        await open(session, 'explore');
        await page.getByLabel('Of rules', { exact: true }).waitFor();
        await plainText(page);
      } finally {
        await gateway.stop();
      }
    }));
  }
}
