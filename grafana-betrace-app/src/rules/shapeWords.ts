// What a rule of a common shape says, in a sentence.
import { t } from '@grafana/i18n';
import { PLAIN } from '../i18n';
import type { ShapeFields } from './shapes';

export function shapeText({ kind, a, b, limit, time }: ShapeFields): string {
  const values = { ...PLAIN, a, b, limit, time };
  switch (kind) {
    case 'needs':
      return t('shape.says-needs', 'Every trace that has “{{a}}” must also have “{{b}}”.', values);
    case 'never':
      return t('shape.says-never', 'No trace may have “{{a}}”.', values);
    case 'before':
      return t('shape.says-before', 'Before every “{{b}}” there must be “{{a}}” in the same trace.', values);
    case 'at_most':
      return t('shape.says-at-most', 'No trace may have more than {{limit}} of “{{a}}”.', values);
    case 'within':
      return t('shape.says-within', 'After every “{{a}}” there must be “{{b}}” within {{time}}, in the same trace.', values);
  }
}
