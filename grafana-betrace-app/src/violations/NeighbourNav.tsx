// From one violation to the next, in the list that the reader came from, by a click or by j and k. Next to a link from elsewhere there is no
// list, and then nothing to go to.
import { t } from '@grafana/i18n';
import { Button, LinkButton } from '@grafana/ui';
import { useEffect } from 'react';
import { useLocation, useNavigate } from 'react-router-dom';

import { PLAIN } from '../i18n';
import type { Violation } from '../api/types';
import { usePageKeys } from '../keys/pageKeys';
import { useUrls } from '../routing/useUrls';
import { neighbours } from './neighbours';
import { listSearch, type useViolationList } from './useViolationList';

type List = ReturnType<typeof useViolationList>;

interface StepProps {
  to: string | null;
  text: string;
  letter: string;
  icon?: 'angle-left';
}

function Step({ to, text, letter, icon }: StepProps) {
  const content = { icon, children: text, 'aria-keyshortcuts': letter };
  return to === null ? <Button variant="secondary" disabled {...content} /> : <LinkButton variant="secondary" href={to} {...content} />;
}

export function NeighbourNav({ list, traceId, ruleId }: { list: List; traceId: string; ruleId: string }) {
  const to = useUrls();
  const { search } = useLocation();
  const navigate = useNavigate();
  const { violations, lastPage, canGoOn, goOn } = list;
  const { at, previous, next } = neighbours(violations, traceId, ruleId);
  const isAtEnd = at >= 0 && next === null;
  useEffect(() => {
    if (isAtEnd && canGoOn) {
      goOn();
    }
  }, [isAtEnd, canGoOn, goOn]);
  const urlOf = (violation: Violation | null) => violation && to.violation(violation.rule_id, violation.trace_id) + listSearch(search);
  const go = (to: string | null) => to !== null && void navigate(to);
  usePageKeys([
    { key: 'j', text: t('keys.next-violation', 'To the next violation of the list'), run: () => go(urlOf(next)) },
    { key: 'k', text: t('keys.previous-violation', 'To the one before'), run: () => go(urlOf(previous)) },
  ]);
  const total = lastPage?.total_count ?? null;
  return (
    <>
      {at >= 0 && (
        <span>
          {total === null
            ? t('violation.place', '{{n}} of at least {{loaded}}', { ...PLAIN, n: at + 1, loaded: violations.length })
            : t('violation.place-of', '{{n}} of {{total}}', { ...PLAIN, n: at + 1, total })}
        </span>
      )}
      {at < 0 && canGoOn && (
        <Button variant="secondary" fill="text" onClick={goOn}>
          {t('violation.find-place', 'Not among the {{n}} that are loaded: look further', { ...PLAIN, n: violations.length })}
        </Button>
      )}
      <Step to={urlOf(previous)} icon="angle-left" letter="k" text={t('violation.go-previous', 'Previous')} />
      <Step to={urlOf(next)} letter="j" text={t('violation.go-next', 'Next')} />
    </>
  );
}
