/* Everything that a run of the journeys stands on: trace files, the betraces (with violations, without rules, with many violations, with a Tempo
   that is not there, with one of a version that nobody checked, one that is written to), and the rules in them. What a journey changes is its own. Runs in Node. */
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { generate, newToken, serve } from './betrace.mjs';

export const RULES = {
  slowDb: {
    id: 'slow-db-no-retry', name: 'Slow DB Query Without Retry', severity: 'warning', labels: { team: 'storage' },
    description: 'A database query of more than a second, and nobody tried again',
    dsl: 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")',
  },
  incident: {
    id: 'incident-pattern', name: 'Incident Pattern Detection', severity: 'critical', labels: { team: 'payments' },
    dsl: 'trace.has(span.name == "payment.process" and span.status == "error") and trace.has(span.attributes["user.region"] == "eu-west-1")',
  },
  audit: {
    id: 'pii-audit-soc2-cc6.1', name: 'PII Access Requires Audit Log (SOC2 CC6.1)', severity: 'critical',
    dsl: 'trace.has(span.attributes["data.classification"] == "PII") and not trace.has(span.name == "audit.log")',
    annotations: { soc2_control: 'CC6.1', compliance_framework: 'SOC2' },
  },
};
/** Every trace breaks this one. */
export const EVERY_TRACE = { id: 'every-trace', name: 'Every trace', severity: 'low', dsl: 'trace.has(span.duration >= 0ms)' };
/** So many patterns that judging a trace takes a while: its replay can be looked at while it runs. Not enabled, so that nothing else waits for it. */
const PATTERNS = Array.from({ length: 300 }, (_, at) => `span.name matches "(a|b)*c${at}.*z"`);
export const SLOW = { id: 'slow-to-judge', name: 'Slow to judge', severity: 'info', enabled: false, dsl: `trace.has(${PATTERNS.join(' or ')} or span.name == "db.query")` };
/** Violations of EVERY_TRACE. */
export const MANY = 10_500;

/** A loopback port that nobody listens on. */
export async function deadPort() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** As far as a betrace can see, a Tempo of a version that nobody has checked, in which nothing is found. */
async function newerTempo() {
  const server = http.createServer((request, response) => {
    const isBuild = request.url === '/api/status/buildinfo';
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(isBuild ? { version: '3.2.0', goVersion: 'go1.26.8' } : { traces: [], metrics: {} }));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}

export class World {
  constructor(extra) {
    this.extra = extra;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'betrace-app-'));
    this.running = [];
  }

  async serve(...options) {
    const service = await serve(this.folder, ...this.extra, ...options);
    this.running.push(service);
    return service;
  }

  async withRules(service, ...rules) {
    for (const rule of rules) {
      await service.post('/v1/rules', rule);
    }
    return service;
  }

  /** One that wants tokens; this.tokens has one of each role. */
  async guarded(traces) {
    const file = path.join(this.folder, 'tokens');
    this.tokens = { viewer: newToken(file, 'reader', 'viewer'), editor: newToken(file, 'writer', 'editor') };
    const service = await this.serve('--traces', traces, '--tokens', file);
    await service.post('/v1/rules', RULES.slowDb, this.tokens.editor);
    return service;
  }

  /** Starts the services: {main, write, empty, guarded, many, down, newer}, each a running betrace. */
  async start() {
    const traces = generate(path.join(this.folder, 'traces.pb'), 2000, 60);
    const many = generate(path.join(this.folder, 'many.pb'), MANY, 0);
    const all = Object.values(RULES);
    const started = { main: this.serve('--traces', traces), write: this.serve('--traces', traces), empty: this.serve('--traces', traces), guarded: this.guarded(traces) };
    started.many = this.serve('--traces', many);
    started.down = this.serve('--tempo', `http://127.0.0.1:${await deadPort()}`);
    started.newer = this.serve('--tempo', await newerTempo());
    const { main, write, empty, guarded, many: big, down, newer } = Object.fromEntries(await Promise.all(Object.entries(started).map(async ([name, one]) => [name, await one])));
    await Promise.all([this.withRules(main, ...all), this.withRules(write, ...all), this.withRules(big, EVERY_TRACE, SLOW), this.withRules(down, ...all), this.withRules(newer, ...all)]);
    this.services = { main, write, empty, guarded, many: big, down, newer };
    return this.services;
  }

  async stop() {
    await Promise.all(this.running.map((service) => service.stop()));
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
