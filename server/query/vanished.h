/* What a rule asks for that no longer comes, and what came in its place: names of spans and services, keys and values
 * of attributes, counted in traces of before and of since. Something of the rule has gone where traces of before had it
 * and none since has. What came are others of its kind that no trace of before had, in the services where it was. Those
 * come first whose share of the traces is nearest to the share of what went, and a name that is near counts for more.
 * Samples show that something is there; that it is nowhere they show as well as their size lets them. Thread: a value
 * behind its owner's lock. */
#ifndef BT_SERVER_QUERY_VANISHED_H
#define BT_SERVER_QUERY_VANISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/symbol.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

enum { BT_SEEN_BEFORE, BT_SEEN_SINCE, BT_SEEN_TIMES };
enum { BT_CAME_MOST = 3, BT_WENT_MOST = 8 };

typedef enum bt_seen_kind { BT_SEEN_SPAN, BT_SEEN_SERVICE, BT_SEEN_KEY, BT_SEEN_VALUE } bt_seen_kind;
const char *bt_seen_kind_name(bt_seen_kind kind); /* "span", "service", "attribute", "value" */

typedef struct bt_seen_mark {
  bt_seen_kind kind;
  bt_str service, key, text;            /* key: of VALUE; text: the name, key or value; of the tally's arena */
  uint32_t traces[BT_SEEN_TIMES], last; /* that have it; last: the number of the last trace that was counted, from 1 */
} bt_seen_mark;

typedef struct bt_seen_tally { /* all-zero is empty; bt_seen_tally_dispose */
  bt_arena arena;
  bt_symbols symbols;
  bt_seen_mark *marks; /* of symbol i + 1 */
  size_t count, capacity;
  uint32_t number, traces[BT_SEEN_TIMES];
  bool is_full; /* there are more than 100,000 marks: others are not looked at */
} bt_seen_tally;

/* time: BT_SEEN_BEFORE or BT_SEEN_SINCE. BT_NO_MEMORY alone. */
bt_status bt_seen_tally_add(bt_seen_tally *tally, const bt_trace *trace, int time, bt_error *error) BT_MUST_CHECK;
void bt_seen_tally_dispose(bt_seen_tally *tally);

typedef struct bt_vanished { /* texts are the tally's and the rule's */
  bt_seen_kind kind;
  bt_str service, key, text;              /* service: the one where most had it */
  uint32_t before;                        /* traces that had it */
  const bt_seen_mark *came[BT_CAME_MOST]; /* the likeliest first */
  size_t came_count;
} bt_vanished;

/* What is asked for in the condition. Returns how many; BT_NO_MEMORY alone. */
bt_status bt_vanished_find(const bt_seen_tally *tally, const bt_condition *condition, bt_vanished out[BT_WENT_MOST],
                           size_t *count, bt_error *error) BT_MUST_CHECK;
/* "span db.client.query (in web)"; of a value "http.request.method = GET". */
void bt_seen_write(bt_seen_kind kind, bt_str service, bt_str key, bt_str text, bt_buffer *out);

#endif
