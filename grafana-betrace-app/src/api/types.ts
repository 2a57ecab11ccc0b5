// Short names for the schemas of the contract.
import type { AnswerOf } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Severity = Schemas['Severity'];
export type Rule = Schemas['Rule'];
export type RuleInput = Schemas['RuleInput'];
export type RuleVersion = AnswerOf<'get', '/v1/rules/{id}/versions'>['versions'][number];
export type RuleExplanation = Schemas['RuleExplanation'];
export type RuleCheck = AnswerOf<'post', '/v1/rules/validate'>;
export type RuleTest = AnswerOf<'post', '/v1/rules/test'>;
export type RuleImport = AnswerOf<'post', '/v1/rules/import'>;
export type Verdict = RuleTest['verdict'];
export type Replay = Schemas['Replay'];
export type ReplayStatus = Replay['status'];
export type Violation = Schemas['Violation'];
export type ViolationPage = Schemas['ViolationPage'];
export type Problems = Schemas['Problems'];
export type FoundProblem = Schemas['FoundProblem'];
export type RateChange = Schemas['RateChange'];
export type RatePart = Schemas['RatePart'];
export type SpanLink = Schemas['SpanLink'];
export type Witness = Schemas['Witness'];
export type TraceSpan = Schemas['TraceSpan'];
export type WholeSpan = Schemas['WholeSpan'];
export type WholeAttributes = Schemas['WholeAttributes'];
export type FirstViolation = Schemas['FirstViolation'];
export type Contrast = Schemas['Contrast'];
export type Changes = Schemas['Changes'];
export type Backtest = Schemas['Backtest'];
export type BacktestAlert = Schemas['BacktestAlert'];
export type Change = Changes['changes'][number];
export type Coverage = Schemas['Coverage'];
export type Series = AnswerOf<'get', '/v1/violations/series'>;
export type TraceVerdicts = AnswerOf<'get', '/v1/traces/{trace_id}/verdicts'>;
export type Language = AnswerOf<'get', '/v1/dsl/language'>;
export type Completion = AnswerOf<'post', '/v1/dsl/complete'>;
export type Hover = AnswerOf<'post', '/v1/dsl/hover'>;
export type Health = AnswerOf<'get', '/v1/health'>;
export type Ready = AnswerOf<'get', '/v1/ready'>;
export type TextRange = Schemas['TextRange'];

/** From the least to the most severe. */
export const SEVERITIES: Severity[] = ['info', 'low', 'warning', 'medium', 'high', 'error', 'critical'];
