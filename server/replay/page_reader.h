/* Reads traces page by page: in batches, or by id. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_PAGE_READER_H
#define BT_SERVER_REPLAY_PAGE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "server/replay/judgement.h"

/* Each trace is judged as it comes. `known` is changed in its order. Errors are those of judge.h. */
bt_status bt_page_reader_read(bt_judge *judge, size_t *known, size_t count, bool by_id, bt_error *error) BT_MUST_CHECK;
/* In batches, for a rule that follows links: what these do not show of a trace, its family will
 * (bt_trace_judge_take_shown). Errors are those of judge.h. */
bt_status bt_page_reader_read_shown(bt_judge *judge, size_t *known, size_t count, bt_error *error) BT_MUST_CHECK;
/* An order that follows from the seed (qsort_r; the context is the judge). */
int bt_page_reader_compare_seeded(const void *a, const void *b, void *judge);

#endif
