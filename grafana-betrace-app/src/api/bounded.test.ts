// Turns: never more at once than allowed, and who leaves takes no turn.
import { bounded } from './bounded';

const settle = () => new Promise((done) => setTimeout(done, 0));

function questions(most: number) {
  const ask = bounded(most);
  const begun: number[] = [];
  const ends: Array<() => void> = [];
  const start = (at: number, signal = new AbortController().signal) =>
    ask(signal, () => {
      begun.push(at);
      return new Promise<number>((resolve) => (ends[at] = () => resolve(at)));
    });
  return { begun, ends, start };
}

it('asks so many at once and the others in their order', async () => {
  const { begun, ends, start } = questions(2);
  const all = [0, 1, 2, 3].map((at) => start(at));
  await settle();
  expect(begun).toEqual([0, 1]);
  ends[1]();
  await settle();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]();
  await settle();
  ends[2]();
  ends[3]();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

it('gives no turn to who has left, and the turn of a failed question to the next', async () => {
  const { begun, ends, start } = questions(1);
  const first = start(0);
  const left = new AbortController();
  const second = start(1, left.signal);
  const third = start(2);
  await settle();
  left.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  ends[0]();
  await first;
  await settle();
  expect(begun).toEqual([0, 2]);
  ends[2]();
  await third;
});
