/* A real Tempo for journeys (tests/tempo/run_tempo.py): started, filled, ended. Runs in Node. */
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { binary, ROOT } from './betrace.mjs';

const START_MS = 120_000;
const SEARCHABLE_MS = 60_000;
const POLL_MS = 200;
const DAY_SECONDS = 86_400;

class Tempo {
  constructor(child, url, otlpUrl) {
    Object.assign(this, { child, url, otlpUrl, traces: 0 });
  }

  /** Sample traces with these arguments of `betrace generate`. */
  async generate(traces, ...more) {
    execFileSync(binary(), ['generate', '--traces', String(traces), ...more, '--otlp', this.otlpUrl], { stdio: ['ignore', 'ignore', 'pipe'] });
    await this.searchable(traces);
  }

  /** One trace, as the spans of OTLP JSON. */
  async push(service, spans) {
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] };
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: {}, spans }] }] });
    const answer = await fetch(`${this.otlpUrl}/v1/traces`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    if (!answer.ok) {
      throw new Error(`Tempo took no spans: ${answer.status} ${await answer.text()}`);
    }
    await this.searchable(1);
  }

  /** Waits until so many more traces are found. */
  async searchable(more) {
    this.traces += more;
    const now = Math.floor(Date.now() / 1000);
    const search = `${this.url}/api/search?q=%7B%7D&start=${now - DAY_SECONDS}&end=${now}&limit=${this.traces + 1}`;
    const deadline = Date.now() + SEARCHABLE_MS;
    for (let found = 0; found < this.traces; await new Promise((done) => setTimeout(done, POLL_MS))) {
      const { traces } = await (await fetch(search)).json();
      found = traces?.length ?? 0;
      if (found < this.traces && Date.now() > deadline) {
        throw new Error(`${found} of ${this.traces} traces are searchable`);
      }
    }
  }

  stop() {
    return new Promise((done) => {
      this.child.removeAllListeners('exit');
      this.child.once('exit', done);
      this.child.kill('SIGTERM');
    });
  }
}

/** An empty one; all that it holds is found within half a second. */
export function startTempo() {
  const command = ['--pdeathsig', 'TERM', 'python3', path.join(ROOT, 'tests/tempo/run_tempo.py'), '--config', 'fast', '--print-env'];
  const child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, fail) => {
    let text = '';
    const timer = setTimeout(() => fail(new Error(`Tempo did not start: ${text}`)), START_MS);
    child.once('exit', (code) => fail(new Error(`run_tempo.py ended with ${code}: ${text}`)));
    child.stdout.on('data', (part) => {
      text += part;
      const [, url] = /TEMPO_URL=(\S+)/.exec(text) ?? [];
      const [, otlpUrl] = /OTLP_URL=(\S+)/.exec(text) ?? [];
      if (/TEMPO_PID=\d+\n/.test(text)) {
        clearTimeout(timer);
        done(new Tempo(child, url, otlpUrl));
      }
    });
  });
}
