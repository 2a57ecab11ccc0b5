/* Real betrace services for the journeys: started on a free loopback port with a database of their own, told to end when the test ends, and
   ended by the kernel should the test die first. Also the trace files that they read, made once per run. Runs in Node. */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** The optimised build where there is one: what people run. */
export function binary() {
  const candidates = [process.env.BETRACE_RELEASE_BIN, process.env.BETRACE_BIN, path.join(ROOT, 'build/release/server/betrace'), path.join(ROOT, 'build/dev/server/betrace')];
  const found = candidates.find((one) => one && fs.existsSync(one));
  if (!found) {
    throw new Error('no betrace binary: make release, or name one in BETRACE_BIN');
  }
  return found;
}

/** Sample traces with planted violations, of a quarter of an hour less than the last day: that range moves on while a journey looks at it. */
export function generate(file, traces, violations) {
  execFileSync(binary(), ['generate', '--seed', '7', '--traces', String(traces), '--violations', String(violations), '--since', '1425m', '--out', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  return file;
}

/** Sample traces that tell a story, with the arguments that they are to have besides. */
export function generateStory(file, story, ...more) {
  execFileSync(binary(), ['generate', '--scenario', story, '--seed', '7', ...more, '--out', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  return file;
}

/** Adds a token to a tokens file: the token itself. */
export function newToken(file, name, role) {
  return execFileSync(binary(), ['token', 'new', '--name', name, '--role', role, '--file', file], { encoding: 'utf8' }).trim().split('\n')[0];
}

function firstLine(child, log) {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`betrace did not start:\n${log.join('')}`)), 60_000);
    child.stderr.on('data', (part) => {
      log.push(String(part));
      const found = /listening on (https?:\/\/[^\s:]+:\d+)/.exec(log.join(''));
      if (found) {
        clearTimeout(timer);
        done(found[1]);
      }
    });
    child.on('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`betrace ended with ${code}:\n${log.join('')}`));
    });
  });
}

/** betrace serve with the arguments: {url, post, get, stop}. */
export async function serve(folder, ...options) {
  const database = fs.mkdtempSync(path.join(folder, 'db-'));
  const arguments_ = ['--pdeathsig', 'KILL', binary(), 'serve', '--listen', '127.0.0.1:0', '--db', path.join(database, 'rules.db'), ...options];
  const child = spawn('setpriv', arguments_, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.unref(); // a run that fails on the way ends, and the kernel ends its services
  child.stderr.unref();
  const log = [];
  const url = await firstLine(child, log);
  const call = async (method, at, body, token) => {
    const answer = await fetch(url + at, { method, body: body && JSON.stringify(body), headers: token ? { Authorization: `Bearer ${token}` } : {} });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${at}: ${answer.status} ${text}`);
    }
    return text === '' ? undefined : JSON.parse(text);
  };
  const stop = () => new Promise((done) => {
    child.ref();
    child.removeAllListeners('exit');
    child.once('exit', done);
    child.kill('SIGTERM');
  });
  return { url, log, stop, get: (at, token) => call('GET', at, undefined, token), post: (at, body, token) => call('POST', at, body, token) };
}
