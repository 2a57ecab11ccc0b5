/* Traces of any number of spans as a file of OTLP JSON: a job with steps, the queries of each step below it, one query that takes long and that
   nobody tried again. Runs in Node. */
import fs from 'node:fs';

const SECOND = 1_000_000_000n;
const MINUTES_AGO = 60n;
const STEP = 50;

const hex = (number, digits) => number.toString(16).padStart(digits, '0');
const value = (text) => ({ stringValue: text });

/** The id of the trace of so many spans. */
export const traceIdOf = (count) => hex(count, 32).replace(/^0/, 'a');

/** Its spans, as OTLP JSON has them. */
export function spansOf(count) {
  const traceId = traceIdOf(count);
  const begin = (BigInt(Math.floor(Date.now() / 1000)) - MINUTES_AGO * 60n) * SECOND;
  const slow = Math.floor(count / 2);
  return Array.from({ length: count }, (_, at) => {
    const isStep = at > 0 && at % STEP === 0;
    const parent = at === 0 ? 0 : isStep ? 1 : Math.floor(at / STEP) * STEP + 1;
    const start = begin + BigInt(at) * 100_000n;
    const duration = at === 0 ? 30n * SECOND : at === slow + 1 ? 2n * SECOND : 1_000_000n * BigInt(1 + (at % 7));
    return {
      traceId, spanId: hex(at + 1, 16), ...(parent ? { parentSpanId: hex(parent, 16) } : {}),
      name: at === 0 ? 'nightly.job' : isStep ? 'nightly.step' : 'db.query', kind: isStep || at === 0 ? 1 : 3,
      startTimeUnixNano: String(start), endTimeUnixNano: String(start + duration), attributes: [],
    };
  });
}

/** Writes a trace of each count into the file: the file. */
export function writeLargeTraces(file, counts) {
  const resource = { attributes: [{ key: 'service.name', value: value('batch') }] };
  fs.writeFileSync(file, counts.map((count) => `${JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: {}, spans: spansOf(count) }] }] })}\n`).join(''));
  return file;
}
