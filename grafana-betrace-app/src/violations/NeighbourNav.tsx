// From one violation to the next, in the list that the reader came from. Next to a link from elsewhere there is no
// list, and then nothing to go to.
import { t } from '@grafana/i18n';
import { Button, LinkButton } from '@grafana/ui';
import { useEffect } from 'react';
import { useLocation } from 'react-router-dom';

import { PLAIN } from '../i18n';
import type { Violation } from '../api/types';
import { useUrls } from '../routing/useUrls';
import { neighbours } from './neighbours';
import { listSearch, type useViolationList } from './useViolationList';

type List = ReturnType<typeof useViolationList>;

function Step({ to, text, icon, after = false }: { to: string | null; text: string; icon: 'angle-left' | 'angle-right'; after?: boolean }) {
  const content = after ? { children: text } : { icon, children: text };
  return to === null ? <Button variant="secondary" disabled {...content} /> : <LinkButton variant="secondary" href={to} {...content} />;
}

export function NeighbourNav({ list, traceId, ruleId }: { list: List; traceId: string; ruleId: string }) {
  const to = useUrls();
  const { search } = useLocation();
  const { violations, lastPage, canGoOn, goOn } = list;
  const { at, previous, next } = neighbours(violations, traceId, ruleId);
  const isAtEnd = at >= 0 && next === null;
  useEffect(() => {
    if (isAtEnd && canGoOn) {
      goOn();
    }
  }, [isAtEnd, canGoOn, goOn]);
  const urlOf = (violation: Violation | null) => violation && to.violation(violation.rule_id, violation.trace_id) + listSearch(search);
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
      <Step to={urlOf(previous)} icon="angle-left" text={t('violation.go-previous', 'Previous')} />
      <Step to={urlOf(next)} icon="angle-right" text={t('violation.go-next', 'Next')} after />
    </>
  );
}
