// Why the trace violates the rule: the service's sentence, the spans that show it, and, if the trace breaks the rule in
// several ways, the way that is shown.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Button, Icon, useStyles2 } from '@grafana/ui';

import { PLAIN } from '../i18n';
import type { Violation, Witness } from '../api/types';
import { describeFailure, type Failure } from './failure';
import { choicesOf } from './witnesses';

interface Props {
  violation: Violation;
  choice: number;
  onChoice(choice: number): void;
}

function nearText({ near }: Failure): string | null {
  if (!near) {
    return null;
  }
  const { witness, place } = near;
  const values = { binding: place.binding, name: witness.name, service: witness.service };
  return witness.service
    ? t('trace.failure.near-service', '{{binding}} is the span {{name}} of {{service}}.', { ...PLAIN, ...values })
    : t('trace.failure.near', '{{binding}} is the span {{name}}.', { ...PLAIN, ...values });
}

export function witnessText({ binding, name, service, attributes }: Witness): string {
  const values = Object.entries(attributes ?? {})
    .map(([key, value]) => `${key} = ${value}`)
    .join(', ');
  const said = service ? t('trace.witness-of-service', '{{name}} of {{service}}', { ...PLAIN, name, service }) : name;
  return `${binding ? `${binding}: ` : ''}${said}${values ? ` (${values})` : ''}`;
}

function Ways({ violation, choice, onChoice }: Props) {
  const reported = choicesOf(violation).length;
  const total = violation.choices_total ?? reported;
  if (reported < 2) {
    return null;
  }
  const values = { n: choice + 1, reported, total };
  return (
    <div>
      <Button
        size="sm"
        variant="secondary"
        icon="angle-left"
        disabled={choice === 0}
        aria-label={t('trace.ways.previous', 'The way before')}
        onClick={() => onChoice(choice - 1)}
      />{' '}
      {total > reported
        ? t('trace.ways.of-more', 'Way {{n}} of {{reported}} that are reported ({{total}} in all) in which this trace breaks the rule', {
            ...PLAIN,
            ...values,
          })
        : t('trace.ways.of', 'Way {{n}} of {{reported}} in which this trace breaks the rule', { ...PLAIN, ...values })}{' '}
      <Button
        size="sm"
        variant="secondary"
        icon="angle-right"
        disabled={choice === reported - 1}
        aria-label={t('trace.ways.next', 'The next way')}
        onClick={() => onChoice(choice + 1)}
      />
    </div>
  );
}

export function FailureBox(props: Props) {
  const styles = useStyles2(getStyles);
  const { violation } = props;
  const choices = choicesOf(violation);
  const choice = choices[Math.min(props.choice, choices.length - 1)];
  const failure = describeFailure(choice);
  const near = failure && nearText(failure);
  return (
    <section className={styles.box} aria-label={t('trace.failure.label', 'Why it violates the rule')}>
      {failure ? (
        <div className={styles.headline}>
          <Icon name={failure.isMissing ? 'question-circle' : 'times-circle'} size="lg" />
          <div>
            {failure.sentence}
            {near && <p className={styles.near}>{near}</p>}
          </div>
        </div>
      ) : (
        <div>{violation.message}</div>
      )}
      {choice.witnesses.length > 0 && (
        <div className={styles.witnesses}>
          {t('trace.failure.shown-by', 'Shown by:')}
          <ul>
            {choice.witnesses.slice(0, 5).map((witness, i) => (
              <li key={i}>{witnessText(witness)}</li>
            ))}
            {choice.witnesses.length > 5 && (
              <li>{t('trace.failure.more-witnesses', 'and {{n}} more, numbered below', { ...PLAIN, n: choice.witnesses.length - 5 })}</li>
            )}
          </ul>
        </div>
      )}
      <Ways {...props} />
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    borderLeft: `4px solid ${theme.colors.error.main}`,
    background: theme.colors.background.secondary,
    padding: theme.spacing(1.5),
    marginBottom: theme.spacing(2),
  }),
  headline: css({ display: 'flex', gap: theme.spacing(1), overflowWrap: 'anywhere', fontSize: theme.typography.h5.fontSize }),
  near: css({ margin: 0, fontSize: theme.typography.body.fontSize, color: theme.colors.text.secondary }),
  witnesses: css({
    marginTop: theme.spacing(1),
    color: theme.colors.text.secondary,
    '& ul': { margin: 0, paddingLeft: theme.spacing(2.5) },
  }),
});
