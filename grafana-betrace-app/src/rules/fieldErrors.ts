// What is wrong with the fields of a rule, from the form itself and from the service's answer.
import { t } from '@grafana/i18n';
import type { ApiError } from '../api/problem';
import { draftProblems, type Draft } from './draft';
import type { FieldErrors } from './RuleForm';

export function ownErrors(draft: Draft): FieldErrors {
  const problems = draftProblems(draft);
  return {
    ...(problems.id
      ? {
          id: t(
            'rule.bad.id',
            'Letters, digits, dots, dashes and underscores, from a letter or digit on; not validate, test, import, export, new'
          ),
        }
      : {}),
    ...(problems.description ? { description: t('rule.bad.description', 'At most 4,096 bytes') } : {}),
    ...(problems.budget ? { budget: t('rule.bad.budget', 'A number of steps, from 1 on, or nothing') } : {}),
    ...(problems.labels ? { labels: t('rule.bad.twice', 'A key may stand once') } : {}),
    ...(problems.annotations ? { annotations: t('rule.bad.twice', 'A key may stand once') } : {}),
  };
}

/** `labels.team` is about labels. */
export function serviceErrors(error: ApiError | null): FieldErrors {
  const errors: Record<string, string> = {};
  error?.errors.forEach((item) => {
    if ('field' in item) {
      errors[item.field.split(/[.[]/)[0]] = item.message;
    }
  });
  return errors;
}

/** Why it cannot be saved yet; undefined: it can. */
export function notSavable(draft: Draft, state: { writeReason?: string; isChanged: boolean; isInvalid: boolean }): string | undefined {
  const problems = draftProblems(draft);
  if (state.writeReason) {
    return state.writeReason;
  }
  if (!state.isChanged) {
    return t('rule.unsavable.same', 'Nothing has changed');
  }
  if (problems.name) {
    return t('rule.unsavable.name', 'Give it a name');
  }
  if (problems.dsl) {
    return t('rule.unsavable.dsl', 'Write the rule');
  }
  if (state.isInvalid) {
    return t('rule.unsavable.invalid', 'The text has errors');
  }
  return Object.keys(problems).length > 0 ? t('rule.unsavable.fields', 'Some fields are not right') : undefined;
}
