// Compliance: frameworks, and reports. A report takes its time, so it is asked for once and then looked for where the service keeps it; its id is in
// the address of the page.
import { useMutation, useQuery } from '@tanstack/react-query';
import { useHost } from '../host/context';
import type { Host } from '../host/types';
import { useApi } from './context';
import { problemOf } from './problem';
import { POLL_MS } from './replays';
import type { components, paths } from './schema';

type Schemas = components['schemas'];
export type Framework = Schemas['Framework'];
export type Report = Schemas['Report'];
type UnderWay = paths['/v1/reports/{id}']['get']['responses'][202]['content']['application/json'];
export type ReportFormat = 'json' | 'html' | 'oscal';
export type ReportAnswer = { state: 'made'; report: Report } | { state: 'under-way'; progress: number; start: string; end: string };

/** After so long the service answers with the place where the report will be. */
const WAIT = '1s';

export function useFrameworks() {
  const api = useApi();
  return useQuery({ queryKey: ['compliance', 'frameworks'], queryFn: ({ signal }) => api.get('/v1/compliance/frameworks', { signal }) });
}

async function ask(host: Host, path: string, signal?: AbortSignal): Promise<{ status: number; body: unknown }> {
  const { status, body } = await host.request({ method: 'GET', path, signal });
  if (status >= 400) {
    throw problemOf(status, body);
  }
  return { status, body };
}

/** Of a report that is made, and of one that is under way. */
function idOf(status: number, body: unknown): string {
  if (status === 202) {
    return (body as UnderWay).report_id;
  }
  return String((body as Report).entries[0].body.report_id);
}

/** Asks for a report and gives its id. */
export function useAskForReport() {
  const host = useHost();
  return useMutation({
    mutationFn: async ({ framework, start, end }: { framework: string; start: string; end: string }) => {
      // Without an end the range ends where everything has settled; up to this moment no report is complete.
      const query = new URLSearchParams({ start, ...(end === 'now' ? {} : { end }), timeout: WAIT });
      const { status, body } = await ask(host, `/v1/compliance/reports/${encodeURIComponent(framework)}?${query.toString()}`);
      return idOf(status, body);
    },
  });
}

export function useReport(id: string) {
  const host = useHost();
  return useQuery({
    queryKey: ['compliance', 'report', id],
    enabled: id !== '',
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<ReportAnswer> => {
      const { status, body } = await ask(host, `/v1/reports/${encodeURIComponent(id)}?format=json`, signal);
      if (status === 202) {
        const { progress, range } = body as UnderWay;
        return { state: 'under-way', progress, ...range };
      }
      return { state: 'made', report: body as Report };
    },
    refetchInterval: (query) => (query.state.data?.state === 'under-way' ? POLL_MS : false),
  });
}

/** Cancels a report that is under way. */
export function useCancelReport() {
  const api = useApi();
  return useMutation({ mutationFn: (id: string) => api.delete('/v1/reports/{id}', { path: { id } }) });
}

/** The report as a file. A plain link would carry no token. */
export function useExport() {
  const host = useHost();
  return useMutation({
    mutationFn: async ({ id, format }: { id: string; format: ReportFormat }) => {
      // a file that says how far the report is would be taken for one
      const { body } = await ask(host, `/v1/reports/${encodeURIComponent(id)}?format=${format}&unfinished=503`);
      // the layout of the JSON is no part of what is signed
      return typeof body === 'string' ? body : JSON.stringify(body);
    },
  });
}
