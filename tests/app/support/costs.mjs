/* What a page's renderer spends of its main thread, as the browser counts it: processor time, so what else the machine
   does is not in it. Runs in Node. */

const COSTS = ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'];

/** Begins to count; detach what it returns when nothing more is asked. */
export async function watchCosts(page) {
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  return client;
}

/** What the renderer spent, in processor seconds of its main thread. */
export async function spent(client) {
  const { metrics } = await client.send('Performance.getMetrics');
  return metrics.filter(({ name }) => COSTS.includes(name)).reduce((sum, { value }) => sum + value, 0);
}
