/* tests/support/slow_tempo.py as a process: {url, release, stop}. It ends when its standard input does. Runs in Node. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ROOT } from './betrace.mjs';

const START_MS = 60_000;

/** What is older than `heldMinutes` waits until `release`. */
export function slowTempo(recent, old, heldMinutes = 90) {
  const child = spawn('python3', [path.join(ROOT, 'tests/support/slow_tempo.py'), ...[recent, old, heldMinutes].map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const stop = () => new Promise((done) => {
    child.removeAllListeners('exit');
    child.once('exit', done);
    child.stdin.end();
  });
  return new Promise((done, fail) => {
    let text = '';
    const timer = setTimeout(() => fail(new Error(`slow_tempo.py did not start: ${text}`)), START_MS);
    child.once('exit', (code) => fail(new Error(`slow_tempo.py ended with ${code}`)));
    child.stdout.on('data', (part) => {
      text += part;
      const found = /listening (\S+)\n/.exec(text);
      if (found) {
        clearTimeout(timer);
        done({ url: found[1], release: () => child.stdin.write('release\n'), stop });
      }
    });
  });
}
