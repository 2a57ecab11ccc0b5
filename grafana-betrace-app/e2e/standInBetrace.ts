// A BeTrace that an alert can ask: one rule, as many violations in each step as a test says. It is away, or blind, when the test says so: the real one
// answers null for each step while its Tempo is away or no trace comes. Steps younger than its settle are not known, as those of the real one. Listens where Grafana's server reaches it: on loopback, unless STAND_IN_HOST names an
// address of this machine.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const HOST = process.env.STAND_IN_HOST ?? '127.0.0.1';
const SETTLE_MS = 120_000;
export const RULE = { id: 'e2e-rule', name: 'Rule of the e2e suite', severity: 'high' };

interface SeriesQuestion {
  start: string;
  end: string;
  step: string;
}

export class StandInBetrace {
  /** of each settled step */
  violations = 0;
  state: 'there' | 'away' | 'blind' = 'there';
  asked: SeriesQuestion[] = [];
  private server = http.createServer((request, response) => this.answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, HOST, done));
    return `http://${HOST}:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse) {
    if (this.state === 'away') {
      request.destroy();
      return;
    }
    let body = '';
    for await (const part of request) {
      body += part;
    }
    const document = this.documentOf(new URL(request.url ?? '/', 'http://betrace').pathname, body);
    response.writeHead(document ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(document ?? {}));
  }

  private documentOf(path: string, body: string): object | undefined {
    switch (path) {
      case '/v1/health':
        return { status: 'HEALTHY', version: '0.1.0', metadata: { source: 'tempo' } };
      case '/v1/ready':
        return { status: 'ready', parts: {} };
      case '/v1/rules':
        return { rules: [{ ...RULE, enabled: true, shadow: false, labels: {}, controls: [], settle: null, broken: null }], cursor: null };
      case '/v1/violations/series':
        return this.seriesOf(JSON.parse(body));
    }
    return undefined;
  }

  private seriesOf(question: SeriesQuestion): object {
    this.asked.push(question);
    const stepMs = Number.parseInt(question.step, 10) * 1000;
    const end = Date.parse(question.end);
    const settled = Math.min(end, Date.now() - SETTLE_MS);
    const points: Array<[string, number | null]> = [];
    for (let at = Date.parse(question.start); at < end; at += stepMs) {
      points.push([new Date(at).toISOString(), this.state === 'there' && at + stepMs <= settled ? this.violations : null]);
    }
    const coverage = {
      complete: this.state === 'there',
      asked: { start: question.start, end: question.end },
      effective_end: new Date(settled).toISOString(),
      windows_failed: [],
      assumptions: { settle: '2m' },
    };
    return { series: [{ labels: { rule_id: RULE.id, rule: RULE.name, severity: RULE.severity }, points }], reason: null, coverage };
  }
}
