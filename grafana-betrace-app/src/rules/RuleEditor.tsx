// The page of one rule, stored or new: text, fields, and what the text would do. Which panel is open is in the URL; what is typed is kept in the tab.
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { t } from '@grafana/i18n';
import { Alert, Button, LinkButton, Stack, Tab, TabsBar, useStyles2 } from '@grafana/ui';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useNavigate } from 'react-router-dom';
import { asApiError, type DataNote } from '../api/problem';
import { useCreateRule, useReplaceRule } from '../api/rules';
import type { Rule } from '../api/types';
import { useWriteDisabledReason } from '../components/Forbidden';
import { useCheck } from '../editor/useCheck';
import { PageFrame, useHost } from '../host/context';
import { usePageKeys } from '../keys/pageKeys';
import { ACTIONS } from '../permissions';
import { MONTH } from '../replays/formState';
import { useUrls } from '../routing/useUrls';
import { param, useUrlState } from '../routing/useUrlState';
import { DeleteRule } from './DeleteRule';
import { inputOf, type Draft } from './draft';
import { notSavable, ownErrors, serviceErrors } from './fieldErrors';
import { LivePast } from './LivePast';
import { RuleForm } from './RuleForm';
import { RulePanels, type PanelName, PANELS } from './RulePanels';
import { RuleSubtitle } from './RuleSubtitle';
import { RuleText } from './RuleText';
import { SaveProblem } from './SaveProblem';
import { ShapeForm } from './ShapeForm';
import { useDraft, type DraftState } from './useDraft';

const PARAMETERS = { panel: param.choice(PANELS, 'check'), trace: param.text() };

function panelText(panel: PanelName): string {
  switch (panel) {
    case 'check':
      return t('rule.panel.check', 'What it does');
    case 'test':
      return t('rule.panel.test', 'Test on a trace');
    case 'past':
      return t('rule.panel.past', 'How would it have done?');
    case 'cost':
      return t('rule.panel.cost', 'Cost');
    case 'history':
      return t('rule.panel.history', 'History');
  }
}

/** Whether the page is still open: what was begun here may end later. */
function useIsOpen() {
  const isOpen = useRef(false);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);
  return isOpen;
}

/** Creates or replaces, and goes on from what was stored. */
function useSave(rule: Rule | null, state: DraftState) {
  const create = useCreateRule();
  const replace = useReplaceRule();
  const navigate = useNavigate();
  const to = useUrls();
  const isOpen = useIsOpen();
  const mutation = rule ? replace : create;
  const save = (version = state.version) => {
    const sent = state.draft;
    if (!rule) {
      // a promise, and not mutate's own callbacks, which are not called any more once the page is left
      create.mutateAsync(inputOf(sent)).then(
        (stored) => {
          state.created(stored, sent);
          if (isOpen.current) {
            navigate(to.rule(stored.id), { replace: true });
          }
        },
        () => undefined // shown as the mutation's error
      );
    } else {
      replace.mutate(
        { id: rule.id, version: version ?? undefined, rule: inputOf(sent) },
        { onSuccess: (stored) => state.saved(stored, sent) }
      );
    }
  };
  return { save, error: mutation.error, isPending: mutation.isPending, reset: mutation.reset };
}

function Notices({ rule, state }: { rule: Rule | null; state: DraftState }) {
  const isStale = rule !== null && state.version !== null && rule.version > state.version && state.changed.length > 0;
  return (
    <>
      {rule?.broken && (
        <Alert severity="error" title={t('rule.broken', 'This rule is not evaluated: its text does not compile in this version')}>
          {rule.broken}
        </Alert>
      )}
      {state.restored && (
        <Alert
          severity="info"
          title={t('rule.restored', 'Your unsaved changes from before are back')}
          buttonContent={t('rule.discard', 'Discard my changes')}
          onRemove={state.discard}
        />
      )}
      {isStale && (
        <Alert
          severity="warning"
          title={t('rule.stale', 'Version {{version}} has been saved meanwhile. Saving yours will ask what to do.', {
            version: rule.version,
          })}
        />
      )}
    </>
  );
}

/** What Ctrl+S does wherever something of the rule has the focus. The text's editor takes the key before it comes here. */
function saveByKey(save: () => void) {
  return (event: KeyboardEvent) => {
    const isSave = event.key.toLowerCase() === 's' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (isSave && !event.defaultPrevented) {
      event.preventDefault(); // the browser would save the page
      save();
    }
  };
}

function useRuleKeys() {
  usePageKeys([
    { key: 'Ctrl+S', text: t('keys.save', 'Save, from the text or any field') },
    { key: 'Ctrl+Space', text: t('keys.complete', 'In the text: what can be written here') },
    { key: 'Ctrl+.', text: t('keys.fix', 'In the text: fix what is underlined') },
    { key: 'Shift+Alt+F', text: t('keys.format', 'In the text: format it') },
    { key: 'Ctrl+M', text: t('keys.leave', 'In the text: let Tab leave it, or indent again') },
  ]);
}

interface Props {
  rule: Rule | null;
  initial?: Partial<Draft>;
  /** what is to be known of the stored rule */
  notice?: ReactNode;
}

export function RuleEditor({ rule, initial, notice }: Props) {
  const styles = useStyles2(getStyles);
  const to = useUrls();
  const navigate = useNavigate();
  const { CreateAlert } = useHost();
  const writeReason = useWriteDisabledReason(ACTIONS.writeRules);
  const [{ panel, trace }, setUrl] = useUrlState(PARAMETERS);
  const [deleting, setDeleting] = useState(false);
  const state = useDraft(rule, initial);
  const { draft, edit, changed } = state;
  const check = useCheck(draft.dsl);
  const [noted, setNoted] = useState<{ dsl: string; notes: DataNote[] } | null>(null);
  const { save, error, isPending, reset } = useSave(rule, state);
  const isInvalid = check.current !== null && !check.current.valid;
  const reason = notSavable(draft, { writeReason, isChanged: changed.length > 0, isInvalid });
  const trySave = () => {
    if (!reason && !isPending) {
      save();
    }
  };
  useRuleKeys();
  const errors = { ...serviceErrors(error && asApiError(error)), ...ownErrors(draft) };
  const panels = PANELS.filter((name) => rule !== null || (name !== 'cost' && name !== 'history'));
  const actions = (
    <>
      {rule && (
        <LinkButton variant="secondary" icon="list-ul" href={to.violations({ rule: rule.id })}>
          {t('rule.violations', 'Violations')}
        </LinkButton>
      )}
      {rule && (
        <LinkButton variant="secondary" icon="history" href={to.replays({ rule: rule.id, ...MONTH })}>
          {t('rule.replay-month', 'Replay 30 days')}
        </LinkButton>
      )}
      {rule && (
        <LinkButton variant="secondary" icon="exchange-alt" href={to.changes()}>
          {t('rule.changed', 'What changed?')}
        </LinkButton>
      )}
      {rule && CreateAlert && <CreateAlert rule={rule} />}
      {rule && (
        <Button
          variant="destructive"
          fill="outline"
          icon="trash-alt"
          disabled={Boolean(writeReason)}
          tooltip={writeReason}
          onClick={() => setDeleting(true)}
        >
          {t('rule.delete', 'Delete')}
        </Button>
      )}
      {changed.length > 0 && (
        <Button variant="secondary" onClick={() => (reset(), state.discard())}>
          {t('rule.discard', 'Discard my changes')}
        </Button>
      )}
      <Button icon="save" disabled={Boolean(reason) || isPending} tooltip={reason} onClick={trySave}>
        {isPending ? t('rule.saving', 'Saving…') : t('rule.save', 'Save')}
      </Button>
    </>
  );
  return (
    <PageFrame
      title={rule ? rule.name : t('rule.new', 'New rule')}
      subTitle={rule && <RuleSubtitle rule={rule} />}
      parent={{ text: t('rules.title', 'Rules'), url: to.rules() }}
      actions={actions}
    >
      {notice}
      <Notices rule={rule} state={state} />
      {error && (
        <SaveProblem
          error={error}
          draft={draft}
          id={rule?.id}
          onTakeTheirs={(stored) => (reset(), state.accept(stored))}
          onOverwrite={(stored) => (state.rebase(stored), save(stored.version))}
        />
      )}
      {/* It acts on what its fields let through, and is no control itself. */}
      <div className={styles.columns} onKeyDown={saveByKey(trySave)}>
        <div className={styles.main}>
          <ShapeForm dsl={draft.dsl} onChange={(dsl) => edit({ dsl })} disabled={Boolean(writeReason)} />
          <div className={styles.withPast}>
            <div className={styles.text}>
              <RuleText
                dsl={draft.dsl}
                onChange={(dsl) => edit({ dsl })}
                onSave={trySave}
                check={check}
                notes={noted?.dsl === draft.dsl ? noted.notes : undefined}
                readOnly={Boolean(writeReason) && rule !== null}
              />
            </div>
            <LivePast dsl={draft.dsl} check={check} />
          </div>
          <TabsBar className={styles.tabs}>
            {panels.map((name) => (
              <Tab key={name} label={panelText(name)} active={name === panel} onChangeTab={() => setUrl({ panel: name })} />
            ))}
          </TabsBar>
          <RulePanels
            panel={panels.includes(panel) ? panel : 'check'}
            rule={rule}
            draft={draft}
            changed={changed}
            check={check}
            traceId={trace}
            disabled={writeReason}
            edit={edit}
            onTraceId={(traceId) => setUrl({ trace: traceId }, { replace: true })}
            onTest={(traceId) => setUrl({ panel: 'test', trace: traceId })}
            onNotes={(dsl, notes) => setNoted({ dsl, notes })}
          />
        </div>
        <aside className={styles.aside} aria-label={t('rule.fields', 'Fields of the rule')}>
          <Stack direction="column" gap={2}>
            {writeReason && <Alert severity="info" title={writeReason} />}
            <RuleForm draft={draft} edit={edit} errors={errors} isNew={rule === null} disabled={Boolean(writeReason)} />
          </Stack>
        </aside>
      </div>
      {rule && deleting && (
        <DeleteRule rule={rule} onDismiss={() => setDeleting(false)} onDone={() => (state.discard(), navigate(to.rules()))} />
      )}
    </PageFrame>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  columns: css({
    display: 'grid',
    gap: theme.spacing(3),
    gridTemplateColumns: 'minmax(0, 1fr) 320px',
    [theme.breakpoints.down('lg')]: { gridTemplateColumns: 'minmax(0, 1fr)' },
  }),
  main: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(2), minWidth: 0, containerType: 'inline-size' }),
  withPast: css({
    display: 'grid',
    gap: theme.spacing(2),
    gridTemplateColumns: 'minmax(0, 1fr) minmax(240px, 320px)',
    alignItems: 'start',
    '@container (max-width: 720px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  }),
  text: css({ minWidth: 0 }),
  // where there is no room for all of them, a second line instead of a strip that is cut
  tabs: css({ '& [role="tablist"]': { flexWrap: 'wrap' } }),
  aside: css({ minWidth: 0 }),
});
