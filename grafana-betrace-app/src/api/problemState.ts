// Acknowledgements and mutings, which Grafana keeps: one question for all problems, and each write asks again. Without Grafana nothing is asked.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useHost } from '../host/context';
import type { GrafanaApi, HostRequest } from '../host/types';
import { annotationOf, readAcknowledgements, readMutings, silenceOf, TAG } from '../violations/problemState';
import { ApiError, problemOf } from './problem';
import type { FoundProblem } from './types';

/** The newest of all rules and problems. */
export const MOST_ACKNOWLEDGEMENTS = 1000;

const ANNOTATIONS = '/api/annotations';
const ALERTMANAGER = '/api/alertmanager/grafana/api/v2';

async function bodyOf(grafana: GrafanaApi, what: HostRequest): Promise<unknown> {
  const { status, body } = await grafana.request(what);
  if (status >= 400) {
    throw problemOf(status, body);
  }
  return body;
}

/** A list that cannot be read is an error, and no empty list. */
function listOf<T>(list: T | null): T {
  if (list === null) {
    throw new ApiError(0, 'no-list', 'Grafana did not answer with a list', '');
  }
  return list;
}

export function useAcknowledgements({ enabled = true } = {}) {
  const { grafana } = useHost();
  return useQuery({
    queryKey: ['problem-state', 'acknowledgements'],
    queryFn: async ({ signal }) => {
      const path = `${ANNOTATIONS}?tags=${TAG}&type=annotation&limit=${MOST_ACKNOWLEDGEMENTS}`;
      return listOf(readAcknowledgements(await bodyOf(grafana!, { method: 'GET', path, signal }), MOST_ACKNOWLEDGEMENTS));
    },
    enabled: enabled && Boolean(grafana),
  });
}

export function useMutings({ enabled = true } = {}) {
  const { grafana } = useHost();
  return useQuery({
    queryKey: ['problem-state', 'mutings'],
    queryFn: async ({ signal }) => listOf(readMutings(await bodyOf(grafana!, { method: 'GET', path: `${ALERTMANAGER}/silences`, signal }), grafana!.tenant)),
    enabled: enabled && Boolean(grafana),
  });
}

function useWrite<V>(grafana: GrafanaApi, list: 'acknowledgements' | 'mutings', requestsOf: (value: V) => HostRequest[]) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (value: V) => {
      for (const what of requestsOf(value)) {
        await bodyOf(grafana, what);
      }
    },
    // also after a refusal: some of several may be done, and others write there, too
    onSettled: () => client.invalidateQueries({ queryKey: ['problem-state', list] }),
  });
}

const post = (path: string, body: object): HostRequest => ({ method: 'POST', path, body: JSON.stringify(body), contentType: 'application/json' });
const remove = (path: string): HostRequest => ({ method: 'DELETE', path });

export const useAcknowledge = (grafana: GrafanaApi, problem: FoundProblem) =>
  useWrite(grafana, 'acknowledgements', ({ note, ticket }: { note: string; ticket: string }) => [post(ANNOTATIONS, annotationOf(problem, note, ticket))]);

export const useTakeBack = (grafana: GrafanaApi) => useWrite(grafana, 'acknowledgements', (ids: number[]) => ids.map((id) => remove(`${ANNOTATIONS}/${id}`)));

export const useMute = (grafana: GrafanaApi, problem: FoundProblem) =>
  useWrite(grafana, 'mutings', (hours: number) => [post(`${ALERTMANAGER}/silences`, silenceOf(problem, hours, Date.now(), grafana))]);

export const useUnmute = (grafana: GrafanaApi) => useWrite(grafana, 'mutings', (ids: string[]) => ids.map((id) => remove(`${ALERTMANAGER}/silence/${encodeURIComponent(id)}`)));
