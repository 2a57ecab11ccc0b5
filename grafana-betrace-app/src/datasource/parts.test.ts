// What is shown of a slow question, round by round.
import { FieldType, LoadingState, type DataFrame, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { lastValueFrom, NEVER, of, toArray, type Observable } from 'rxjs';
import { askInParts } from './parts';
import type { BetraceQuery } from './types';

type Sent = BetraceQuery & { part?: { cursor?: string; have?: number } };

const times = [50, 40, 30].map((minute) => Date.UTC(2026, 2, 10, 11, minute));

/** A table of violations as the Go half answers it: one row for each number. */
function table(rows: number[], custom?: object, refId = 'A'): DataFrame {
  return {
    refId,
    length: rows.length,
    meta: { custom, notices: [{ severity: 'info', text: `rows ${rows.join()}` }] },
    fields: [
      { name: 'time', type: FieldType.time, config: {}, values: rows.map((row) => times[row]), nanos: rows },
      { name: 'trace_id', type: FieldType.string, config: { displayName: 'Trace' }, values: rows.map((row) => `t${row}`) },
    ],
  };
}

function counts(value: number | null, custom?: object, refId = 'B'): DataFrame {
  return { refId, length: 1, meta: { custom }, fields: [{ name: 'violations', type: FieldType.number, config: {}, values: [value] }] };
}

function run(targets: BetraceQuery[], answers: Array<DataQueryResponse | Observable<DataQueryResponse>>) {
  const asked: Sent[][] = [];
  const request = { requestId: 'Q1', targets } as DataQueryRequest<BetraceQuery>;
  const ids: string[] = [];
  const answer$ = askInParts(request, (next) => {
    asked.push(next.targets as Sent[]);
    ids.push(next.requestId);
    const answer = answers[asked.length - 1];
    return 'pipe' in answer ? answer : of(answer);
  });
  return { asked, ids, answer$ };
}

const rowsOf = (response: DataQueryResponse) => response.data.map((frame: DataFrame) => frame.fields.at(-1)?.values);

describe('a table', () => {
  const TABLE: BetraceQuery = { refId: 'A', queryType: 'violations', limit: 10 };

  it('grows by what each round brings, asked for by its cursor, and says until when it goes on', async () => {
    const { asked, ids, answer$ } = run([TABLE], [
      { data: [table([0], { more: true, cursor: 'c1' })] },
      { data: [table([], { more: true, cursor: 'c2' })] },
      { data: [table([1, 2], { more: false })] },
    ]);
    const all = await lastValueFrom(answer$.pipe(toArray()));
    expect(all.map(rowsOf)).toEqual([[['t0']], [['t0']], [['t0', 't1', 't2']]]);
    expect(all.map(({ state }) => state)).toEqual([LoadingState.Streaming, LoadingState.Streaming, LoadingState.Done]);
    expect(asked.map(([query]) => query.part)).toEqual([{}, { cursor: 'c1', have: 1 }, { cursor: 'c2', have: 1 }]);
    expect(new Set(ids)).toEqual(new Set(['Q1']));
    const [frame] = all[2].data as DataFrame[];
    expect(frame.length).toBe(3);
    expect(frame.fields[0]).toMatchObject({ values: times, nanos: [0, 1, 2] });
    expect(frame.fields[1].config.displayName).toBe('Trace');
    expect(frame.meta?.notices?.[0].text).toBe('rows 1,2');
  });

  it('replaces what it showed before, in Grafana’s own book of packets', async () => {
    const { answer$ } = run([TABLE], [{ data: [table([0], { more: true, cursor: 'c' })] }, { data: [table([1], { more: false })] }]);
    const all = await lastValueFrom(answer$.pipe(toArray()));
    expect(new Set(all.map(({ key }) => key)).size).toBe(1);
  });

  it('keeps its rows when a later round fails, and does not ask again', async () => {
    const { asked, answer$ } = run([TABLE], [
      { data: [table([0], { more: true, cursor: 'c' })] },
      { data: [], errors: [{ refId: 'A', message: 'Tempo is gone' }] },
    ]);
    const all = await lastValueFrom(answer$.pipe(toArray()));
    expect(rowsOf(all[1])).toEqual([['t0']]);
    expect(all[1]).toMatchObject({ state: LoadingState.Error, errors: [{ message: 'Tempo is gone' }] });
    expect(asked).toHaveLength(2);
  });

  it('is not asked for again when nobody looks any more', () => {
    const left = jest.fn();
    const { asked, answer$ } = run([TABLE], [{ data: [table([0], { more: true, cursor: 'c' })] }, NEVER]);
    const looking = answer$.subscribe(left);
    looking.unsubscribe();
    expect(left).toHaveBeenCalledTimes(1);
    expect(asked).toHaveLength(2);
  });
});

describe('several queries of one panel', () => {
  it('are asked together, and only those again that have more; counts replace what was counted so far', async () => {
    const { asked, answer$ } = run(
      [{ refId: 'A', queryType: 'violations' }, { refId: 'B', queryType: 'count' }, { refId: 'C', queryType: 'first_violation' }],
      [
        { data: [table([0], { more: false }), counts(null, { more: true }), table([2], undefined, 'C')] },
        { data: [counts(7, { more: false })] },
      ]
    );
    const all = await lastValueFrom(answer$.pipe(toArray()));
    expect(asked.map((round) => round.map(({ refId, part }) => [refId, part]))).toEqual([[['A', {}], ['B', {}], ['C', undefined]], [['B', {}]]]);
    expect(all.map(rowsOf)).toEqual([[['t0'], [null], ['t2']], [['t0'], [7], ['t2']]]);
    expect(all.map(({ state }) => state)).toEqual([LoadingState.Streaming, LoadingState.Done]);
  });

  it('end with the answer of a service that knows no parts', async () => {
    const { answer$ } = run([{ refId: 'A' }], [{ data: [table([0])] }]);
    expect((await lastValueFrom(answer$.pipe(toArray()))).map(({ state }) => state)).toEqual([LoadingState.Done]);
  });
});
