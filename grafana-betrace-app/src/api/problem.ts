// One error class for everything that goes wrong with a request: problem documents (RFC 9457), answers that are none, and no answer at all.
import type { components } from './schema';

export type Diagnostic = components['schemas']['Diagnostic'];
export type DataNote = components['schemas']['DataNote'];
export type FieldError = components['schemas']['FieldError'];
export type FileProblem = components['schemas']['FileProblem'];
export type RuleTestResult = components['schemas']['RuleTestResult'];
export type ProblemItem = Diagnostic | FieldError | FileProblem | RuleTestResult;

export class ApiError extends Error {
  constructor(
    /** 0: the service did not answer */
    readonly status: number,
    /** the last part of the problem's type, a stable word such as `rules-invalid`; empty where there is none */
    readonly type: string,
    readonly title: string,
    readonly detail: string,
    readonly errors: ProblemItem[] = []
  ) {
    super(detail || title);
    this.name = 'ApiError';
  }

  /** The service answered, and said that it wants no more of the same. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The error of an answer of 400 or above, whoever gave it: the service, Grafana's proxy, or a proxy between. */
export function problemOf(status: number, body: unknown): ApiError {
  if (!isObject(body)) {
    return new ApiError(status, '', `HTTP ${status}`, text(body).slice(0, 500));
  }
  const type = text(body.type).split(':').pop() ?? '';
  // Grafana's own errors carry `message`
  const detail = text(body.detail) || text(body.message);
  return new ApiError(status, type, text(body.title) || `HTTP ${status}`, detail, Array.isArray(body.errors) ? body.errors : []);
}

/** Every failure as an ApiError; a cancelled request stays what it is. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  const detail = error instanceof Error ? error.message : text(error);
  return new ApiError(0, 'no-answer', 'The service did not answer', detail);
}

export function isAbort(error: unknown): boolean {
  return isObject(error) && error.name === 'AbortError';
}

/** The line of `errors[]` as people read it. */
export function problemLine(item: ProblemItem): string {
  if ('field' in item) {
    return `${item.field}: ${item.message}`;
  }
  if ('test' in item) {
    return `${item.rule_id}, ${item.test}: ${item.explanation.join(' ')}`;
  }
  const place = `${item.line}:${item.column}`;
  const rule = 'rule_id' in item && item.rule_id ? `${item.rule_id} ` : '';
  return `${rule}${place} ${item.code ? `${item.code} ` : ''}${item.message}`;
}
