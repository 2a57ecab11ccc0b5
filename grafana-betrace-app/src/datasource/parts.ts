// A slow question shows what it has. Each round asks for what is certain after a few seconds: the newest violations with a
// cursor, or the steps that are counted. What comes is shown at once, and the next round goes on from there. Rounds end
// when all is known or the table is full. Who leaves ends the request that is under way, and with it the work behind it.
// There is one request at a time, under the id that Grafana gave, so that its Cancel finds it.
import {
  LoadingState,
  type DataFrame,
  type DataQueryError,
  type DataQueryRequest,
  type DataQueryResponse,
  type Field,
} from '@grafana/data';
import { EMPTY, expand, map, type Observable } from 'rxjs';
import { isNumbers, type BetraceQuery } from './types';

/** What is sent and never stored: pkg/query/query.go, Part. */
interface SentQuery extends BetraceQuery {
  part?: { cursor?: string; have?: number };
}

/** What the first frame of such an answer says of itself: pkg/frames/notices.go, Part. */
interface PartOfAnswer {
  more: boolean;
  cursor?: string;
}

type Ask = (request: DataQueryRequest<BetraceQuery>) => Observable<DataQueryResponse>;

interface SoFar {
  frames: ReadonlyMap<string, DataFrame[]>;
  errors: DataQueryError[];
  /** to be asked for again, and as what */
  waiting: SentQuery[];
  rounds: number;
}

/** An hour of rounds, as long as the service lets a stream last. */
const MOST_ROUNDS = 720;

const isTable = ({ queryType = 'violations' }: BetraceQuery) => queryType === 'violations';

export const comesInParts = (query: BetraceQuery) => isTable(query) || isNumbers(query.queryType);

function joinField(before: Field, after: Field): Field {
  const nanos = (field: Field) => field.nanos ?? new Array<number>(field.values.length).fill(0);
  return {
    ...after,
    state: undefined,
    values: [...before.values, ...after.values],
    ...(before.nanos || after.nanos ? { nanos: [...nanos(before), ...nanos(after)] } : {}),
  };
}

/** The rows of both, and what the later one says of itself. */
function joinTables([before]: DataFrame[], [after]: DataFrame[]): DataFrame[] {
  if (!before || !after || before.fields.length !== after.fields.length) {
    return [after ?? before].filter(Boolean);
  }
  const fields = after.fields.map((field, at) => joinField(before.fields[at], field));
  return [{ ...after, fields, length: before.length + after.length }];
}

const partOf = ([first]: DataFrame[]): PartOfAnswer | undefined => first?.meta?.custom as PartOfAnswer | undefined;

function take(so: SoFar, asked: readonly SentQuery[], response: DataQueryResponse): SoFar {
  const frames = new Map(so.frames);
  const waiting: SentQuery[] = [];
  const errors = [...so.errors, ...(response.errors ?? [])];
  for (const query of asked) {
    const isWrong = errors.some(({ refId }) => refId === undefined || refId === query.refId);
    const came = (response.data as DataFrame[]).filter(({ refId }) => refId === query.refId);
    const before = frames.get(query.refId) ?? [];
    const part = partOf(came);
    frames.set(query.refId, isTable(query) && before.length ? joinTables(before, came) : came.length ? came : before);
    if (part?.more && !isWrong) {
      const have = frames.get(query.refId)?.[0]?.length ?? 0;
      waiting.push({ ...query, part: isTable(query) ? { cursor: part.cursor, have } : {} });
    }
  }
  return { frames, errors, waiting, rounds: so.rounds + 1 };
}

const goesOn = ({ waiting, rounds }: SoFar) => waiting.length > 0 && rounds < MOST_ROUNDS;

function shown(so: SoFar, order: readonly BetraceQuery[]): DataQueryResponse {
  const state = goesOn(so) ? LoadingState.Streaming : so.errors.length ? LoadingState.Error : LoadingState.Done;
  const data = order.flatMap(({ refId }) => so.frames.get(refId) ?? []);
  return { key: 'betrace', data, state, ...(so.errors.length ? { errors: so.errors } : {}) };
}

/** Answers as often as there is more to show; each answer has all that came so far. */
export function askInParts(request: DataQueryRequest<BetraceQuery>, ask: Ask): Observable<DataQueryResponse> {
  const round = (so: SoFar): Observable<SoFar> =>
    ask({ ...request, targets: so.waiting }).pipe(map((response) => take(so, so.waiting, response)));
  const first = request.targets.map((query): SentQuery => (comesInParts(query) ? { ...query, part: {} } : query));
  return round({ frames: new Map(), errors: [], waiting: first, rounds: 0 }).pipe(
    expand((so) => (goesOn(so) ? round(so) : EMPTY)),
    map((so) => shown(so, request.targets))
  );
}
