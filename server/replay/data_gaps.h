/* What is not there: windows of the range without any trace, what lies before there is data at all, and what the
 * listing of all traces lacks. Thread: the replay's. Errors: BT_CANCELLED, BT_NO_MEMORY; what the source does not
 * answer is named in the coverage. */
#ifndef BT_SERVER_REPLAY_DATA_GAPS_H
#define BT_SERVER_REPLAY_DATA_GAPS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "server/replay/questions.h"
#include "tempo/wire/source.h"

/* What is asked before it is needed; all-zero: nothing. It may not be moved while it is begun. */
typedef struct bt_data_gaps {
  bt_search_request search;
  bt_found_list found;
  bt_source_account account;
  bool is_begun;
} bt_data_gaps;

/* Once all candidates are known: begins to look for where the data begin, if that will be asked, beside what is read.
 * Dispose in every case. */
void bt_data_gaps_begin(bt_questions *questions, bt_data_gaps *ahead);
void bt_data_gaps_dispose(const bt_questions *questions, bt_data_gaps *ahead);
/* Into the coverage; asks the source where no listing tells. *has_data: some trace of the window is not our own. */
bt_status bt_data_gaps_find(bt_questions *questions, bt_data_gaps *ahead, bool *has_data,
                            bt_error *error) BT_MUST_CHECK;
/* Every settled trace that a filter found has to be in a listing that was asked after it. */
bt_status bt_listing_check(bt_questions *questions, bt_error *error) BT_MUST_CHECK;

#endif
