/* Grafana's query API (harness/gohost) before the real plugin process, and a window whose calls go there. Runs in Node. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { APP } from '../../../grafana-betrace-app/harness/tools.mjs';

export const START_MS = 60_000;
const STOP_MS = 5_000;

function executable(...parts) {
  const file = path.join(APP, ...parts);
  assert.ok(fs.existsSync(file), `${file} is not there: sh grafana-betrace-app/scripts/go.sh build, and host`);
  return file;
}

/** Grafana's query API before the plugin's process: {url, stop}. It ends when its standard input does. */
export function startGateway(dist, betraceUrl) {
  const gpx = path.join(dist, 'datasource', `gpx_betrace_datasource_linux_${process.arch === 'arm64' ? 'arm64' : 'amd64'}`);
  assert.ok(fs.existsSync(gpx), `${gpx} is not there: sh grafana-betrace-app/scripts/go.sh build`);
  const child = spawn(executable('.cache/gohost'), [gpx, '127.0.0.1:0'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, BETRACE_URL: betraceUrl } });
  const stop = () => new Promise((done) => {
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    const ended = () => (clearTimeout(late), done());
    if (child.exitCode !== null || child.signalCode !== null) {
      ended();
    }
    child.once('exit', ended);
    child.stdin.end();
  });
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('gohost did not start')), START_MS);
    let text = '';
    child.once('exit', (code) => fail(new Error(`gohost ended with ${code}`)));
    child.stdout.on('data', (part) => {
      text += part;
      const found = /listening (\S+)\n/.exec(text);
      if (found) {
        clearTimeout(timer);
        child.removeAllListeners('exit');
        done({ url: found[1], stop });
      }
    });
  });
}

/** Sends what Grafana's server would answer to the gateway, with headers of its own besides. */
export async function connect(session, gateway, headers = {}) {
  await session.context.route(/\/api\/(ds|datasources\/uid)\//, (route) => {
    const { pathname, search } = new URL(route.request().url());
    return route.continue({ url: gateway.url + pathname + search, headers: { ...route.request().headers(), ...headers } });
  });
}

export const open = (session, part) => session.page.goto(new URL(`/datasource/${part}`, session.target.host.url).href);
