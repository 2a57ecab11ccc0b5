/* Who links to which trace, as far as the rules of a replay look at them: all of a range, found by a few searches and
 * read by id, each once. Where they are few this costs less than looking for those that link to fifty traces, to the
 * next fifty, and so on. Owns copies of what it read. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_LINKING_INDEX_H
#define BT_SERVER_REPLAY_LINKING_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/replay/linker_table.h"
#include "server/replay/questions.h"
#include "tempo/wire/source.h"

typedef struct bt_linking_index { /* all-zero: empty, and nothing is asked of it */
  bool is_whole;                  /* every trace with a span whose link matters is in it, */
  bt_time_range range;            /* if they start in here */
  bt_found_list found;            /* sorted */
  uint32_t *numbers;              /* of each of them: its linker */
  bt_linker_table linkers;
} bt_linking_index;

/* Once. What is not answered, read and kept in full, and more traces than `most`, leave it without is_whole: then it
 * has to be asked for elsewhere, and no loss is noted. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_linking_index_fill(bt_linking_index *index, bt_questions *questions, bt_time_range range, size_t most,
                                bt_error *error) BT_MUST_CHECK;
bool bt_linking_index_covers(const bt_linking_index *index, bt_time_range range); /* false of NULL */
/* Adds to *found who links to one of these traces, some of them twice. BT_NO_MEMORY alone. */
bt_status bt_linking_index_find(const bt_linking_index *index, const bt_trace_id *ids, size_t count,
                                bt_found_list *found, bt_error *error) BT_MUST_CHECK;
/* As it was read by id; borrowed. NULL: it is not in there. */
const bt_trace *bt_linking_index_get(const bt_linking_index *index, const bt_trace_id *id);
size_t bt_linking_index_bytes(const bt_linking_index *index);
void bt_linking_index_dispose(bt_linking_index *index);

#endif
