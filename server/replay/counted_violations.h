/* Violations that are counted and not read. Somebody is told of the first of them (bt_replay_request.most_listed), and
 * of later ones he wants the number. Where the spans of a rule show that a trace violates, and the trace is later than
 * all that is listed, no read of it would say more. Everything that is listed is read. Where one such trace does not
 * violate as its spans had shown, all are read (bt_judge.spans_differ). Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_COUNTED_VIOLATIONS_H
#define BT_SERVER_REPLAY_COUNTED_VIOLATIONS_H

#include "dsl/base/error.h"
#include "server/replay/judgement.h"

/* Moves what may be counted from `known`, which is in order of time, to `later`, which is new and to be freed in every
 * case. BT_NO_MEMORY alone. */
bt_status bt_counted_violations_choose(const bt_judge *judge, bt_known_list *known, bt_known_list *later,
                                       bt_error *error) BT_MUST_CHECK;
/* After all others were read. Puts those first that have to be read as well: they may lie before what is listed ends,
 * or one may be the first violation or the last. Returns how many. */
size_t bt_counted_violations_sort(const bt_judge *judge, bt_known_list *later);
/* Counts them, and tells who wants to know which they are. Any error is that of the observer it tells. BT_NO_MEMORY. */
bt_status bt_counted_violations_count(bt_judge *judge, const size_t *known, size_t count,
                                      bt_error *error) BT_MUST_CHECK;

#endif
