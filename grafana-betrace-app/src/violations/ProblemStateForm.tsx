// In an open problem: acknowledge it, mute the alerts of its rule, and take either back. Grafana keeps both; without Grafana one sentence says that nobody does.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Button, Field, Input, TextArea, useStyles2 } from '@grafana/ui';
import { useState, type FormEvent } from 'react';

import { asApiError } from '../api/problem';
import { useAcknowledge, useMute, useTakeBack, useUnmute } from '../api/problemState';
import type { FoundProblem } from '../api/types';
import type { GrafanaApi } from '../host/types';
import { webAddress, type KnownState } from './problemState';

interface PartProps {
  grafana: GrafanaApi;
  problem: FoundProblem;
  state: KnownState;
}

/** Grafana's own words, such as the permission that is missing. */
function Refusal({ error, title }: { error: unknown; title: string }) {
  return error ? (
    <Alert severity="warning" title={title}>
      {asApiError(error).message}
    </Alert>
  ) : null;
}

const LONGEST_NOTE = 1000;
const SCHEME = 'https://';

function AcknowledgeForm({ grafana, problem, onDone }: Pick<PartProps, 'grafana' | 'problem'> & { onDone(): void }) {
  const styles = useStyles2(getStyles);
  const write = useAcknowledge(grafana, problem);
  const [note, setNote] = useState('');
  const [ticket, setTicket] = useState('');
  const isWrong = ticket.trim() !== '' && webAddress(ticket) === '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isWrong) {
      write.mutate({ note, ticket: webAddress(ticket) }, { onSuccess: onDone });
    }
  };
  return (
    <form className={styles.form} aria-label={t('violations.state.form', 'Acknowledge this problem')} onSubmit={submit}>
      <Field label={t('violations.state.note', 'Note')} noMargin>
        <TextArea id={`note-${problem.id}`} rows={2} maxLength={LONGEST_NOTE} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      </Field>
      <Field
        label={t('violations.state.ticket', 'Address of the ticket')}
        invalid={isWrong}
        error={isWrong && t('violations.state.ticket-wrong', 'It begins with http:// or https:// and has no blanks. Anything else is not kept.')}
        noMargin
      >
        <Input id={`ticket-${problem.id}`} value={ticket} placeholder={SCHEME} onChange={(event) => setTicket(event.currentTarget.value)} />
      </Field>
      <div className={styles.line}>
        <Button type="submit" size="sm" disabled={isWrong || write.isPending}>
          {t('violations.state.acknowledge', 'Acknowledge')}
        </Button>
        <Button size="sm" variant="secondary" onClick={onDone}>
          {t('violations.state.cancel', 'Cancel')}
        </Button>
      </div>
      <Refusal error={write.error} title={t('violations.state.not-acknowledged', 'Grafana did not keep this acknowledgement')} />
    </form>
  );
}

function Acknowledging({ grafana, problem, state: { acknowledged } }: PartProps) {
  const styles = useStyles2(getStyles);
  const takeBack = useTakeBack(grafana);
  const [isOpen, setIsOpen] = useState(false);
  if (!grafana.mayAcknowledge) {
    return <p className={styles.fact}>{t('violations.state.may-not-acknowledge', 'Your role in Grafana may not acknowledge: that takes the permission annotations:create.')}</p>;
  }
  if (isOpen) {
    return <AcknowledgeForm grafana={grafana} problem={problem} onDone={() => setIsOpen(false)} />;
  }
  return (
    <div className={styles.line}>
      <Button size="sm" variant="secondary" icon="check" onClick={() => setIsOpen(true)}>
        {acknowledged ? t('violations.state.acknowledge-again', 'Acknowledge again') : t('violations.state.acknowledge', 'Acknowledge')}
      </Button>
      {acknowledged && (
        <Button size="sm" variant="secondary" fill="outline" disabled={takeBack.isPending} onClick={() => takeBack.mutate(acknowledged.ids)}>
          {t('violations.state.take-back', 'Take the acknowledgement back')}
        </Button>
      )}
      <Refusal error={takeBack.error} title={t('violations.state.not-taken-back', 'Grafana did not take this acknowledgement back')} />
    </div>
  );
}

const durations = () => [
  { hours: 1, text: t('violations.state.hour', '1 hour') },
  { hours: 4, text: t('violations.state.hours', '4 hours') },
  { hours: 24, text: t('violations.state.day', '1 day') },
  { hours: 168, text: t('violations.state.week', '1 week') },
];

function Muting({ grafana, problem, state: { muted } }: PartProps) {
  const styles = useStyles2(getStyles);
  const mute = useMute(grafana, problem);
  const unmute = useUnmute(grafana);
  if (!grafana.mayMute) {
    return <p className={styles.fact}>{t('violations.state.may-not-mute', 'Your role in Grafana may not mute alerts: that takes the permission alert.silences:create.')}</p>;
  }
  return (
    <div className={styles.part}>
      {muted && !muted.longest.isOther ? (
        <div className={styles.line}>
          <Button size="sm" variant="secondary" icon="bell" disabled={unmute.isPending} onClick={() => unmute.mutate(muted.ids)}>
            {t('violations.state.unmute', "End the muting of the rule's alerts")}
          </Button>
        </div>
      ) : (
        <div className={styles.line} role="group" aria-label={t('violations.state.mute', "Mute the rule's alerts for")}>
          <span>{t('violations.state.mute', "Mute the rule's alerts for")}</span>
          {durations().map(({ hours, text }) => (
            <Button key={hours} size="sm" variant="secondary" disabled={mute.isPending} onClick={() => mute.mutate(hours)}>
              {text}
            </Button>
          ))}
        </div>
      )}
      <p className={styles.fact}>
        {t('violations.state.mute-means', 'A silence in Grafana keeps alerts on violations of this rule quiet, of all its problems. What is counted here stays as it is. Alerts that say that nobody looks are still sent.')}
      </p>
      <Refusal error={mute.error} title={t('violations.state.not-muted', 'Grafana did not mute these alerts')} />
      <Refusal error={unmute.error} title={t('violations.state.not-unmuted', 'Grafana did not end this muting')} />
    </div>
  );
}

export function ProblemStateForm({ grafana, problem, state }: PartProps) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.part} aria-label={t('violations.state.label', 'What Grafana keeps of this problem')}>
      <Acknowledging grafana={grafana} problem={problem} state={state} />
      <Muting grafana={grafana} problem={problem} state={state} />
    </section>
  );
}

export function NotKeptHere() {
  const styles = useStyles2(getStyles);
  return (
    <p className={styles.fact}>
      {t('violations.state.not-here', 'Acknowledgements, notes, tickets and muting are kept by Grafana, in the BeTrace app there. These pages keep none and do not show them.')}
    </p>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  part: css({ display: 'grid', gap: theme.spacing(1), marginBottom: theme.spacing(1) }),
  form: css({ display: 'grid', gap: theme.spacing(1), maxWidth: 640 }),
  line: css({ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1) }),
  fact: css({ margin: 0, color: theme.colors.text.secondary, overflowWrap: 'anywhere' }),
});
