// What the app's editor asks the service while somebody writes.
import type { Api } from '../api/client';
import type { Questions } from './register';

export const questionsOf = (api: Api): Questions => ({
  complete: (body, signal) => api.post('/v1/dsl/complete', { body, signal }),
  hover: (body, signal) => api.post('/v1/dsl/hover', { body, signal }),
});
