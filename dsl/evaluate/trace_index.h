/* What the evaluator wants to know of one trace quickly: spans by name and service, the spans that meet a matcher,
 * parents. Everything is worked out when it is first asked for, and members only as far. All memory that depends on the
 * trace is the evaluator's arena of this run. What was not asked for costs nothing, so that one rule on one small trace
 * is no slower than a plain walk. Thread: one evaluator's. */
#ifndef BT_DSL_EVALUATE_TRACE_INDEX_H
#define BT_DSL_EVALUATE_TRACE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/evaluate/program.h"
#include "dsl/evaluate/value_comparison.h"
#include "dsl/trace/trace.h"

typedef struct bt_span_list { /* span numbers, ascending */
  const uint32_t *spans;
  uint32_t count;
} bt_span_list;

/* Spans sorted by a symbol: those of symbol s stand at starts[s] … starts[s + 1] − 1. */
typedef struct bt_span_groups {
  uint32_t *spans;
  uint32_t *starts;
} bt_span_groups;

/* Orders in which the members of a matcher can be had, so that a range of them is found by bisection. */
typedef enum bt_member_order {
  BT_BY_NUMBER,
  BT_BY_START,
  BT_BY_TREE /* each span right before its descendants; see bt_trace_index_find_tree */
} bt_member_order;
enum { BT_SORTED_ORDERS = 2 }; /* besides BT_BY_NUMBER */

/* The spans that meet a matcher, as far as they were looked for, with those that may, for what is not known of them
 * (doubt.h). */
typedef struct bt_members {
  bt_span_list list;         /* found so far; in a complete search all of them */
  uint64_t run;              /* that it was started in; nothing else here holds in another run */
  uint32_t *spans, capacity; /* room of the list, where it is no group */
  uint32_t next_span;        /* to be looked at: of group, or of all */
  bool is_whole;             /* there are no more */
  uint64_t text;             /* that was walked over in all; and up to each member, where the matcher walks over text */
  uint64_t *text_at;
  uint64_t paid, payer; /* of that by the rule that asked last, and its turn (bt_work) */
  /* where the matcher is_grouped; else not set */
  uint32_t next_of_second;
  bt_span_list group, second_group; /* what the anchor has; also spans of that service, or with an array there */
} bt_members;

typedef struct bt_trace_index {
  const struct bt_ruleset *ruleset;
  bt_arena *arena;
  bt_members *members; /* of each matcher; on the heap, for all runs */
  uint64_t run;        /* the number of this one, from 1 */
  const bt_trace *trace;
  bool has_times, has_part_counts;
  uint64_t event_count, link_count;       /* of all spans, once has_part_counts: bt_trace_index_count_parts */
  uint32_t slack_ns;                      /* likewise: each of these was up to so much later (bt_span.time_slack_ns) */
  int64_t start_ns, end_ns;               /* of the trace, once has_times; 0: not known (bt_trace_start_ns) */
  uint32_t service_count;                 /* distinct names; UINT32_MAX: not counted yet */
  bt_span_groups by_name, by_service;     /* without starts: not grouped yet */
  bt_span_groups *by_value;               /* of each compared field; NULL until asked for */
  bt_span_list *sorted[BT_SORTED_ORDERS]; /* of each matcher; NULL until asked for; without spans: not sorted yet */
  /* parents; NULL until asked for */
  uint32_t *first_parent; /* of each span: the first span with the id that it names, or BT_NO_SPAN */
  uint32_t *next_half;    /* of each span: the next span with the same id, or BT_NO_SPAN */
  uint32_t *walk_stack, *walk_mark;
  uint32_t walk_number;
  bool is_tree_known, is_forest;
  uint32_t *tree_place,
      *tree_end; /* in a forest: the descendants of a span have the places tree_place + 1 … tree_end − 1 */
  char trace_id[BT_TRACE_ID_HEX + 1];      /* unset until asked for */
  char (*id_texts)[2][BT_SPAN_ID_HEX + 1]; /* own and parent id of each span; NULL until asked for */
} bt_trace_index;

/* The arena is borrowed and the index's alone but for what lives as long as a run. False: no memory. */
bool bt_trace_index_init(bt_trace_index *index, const struct bt_ruleset *ruleset, bt_arena *arena) BT_MUST_CHECK;
void bt_trace_index_dispose(bt_trace_index *index);
/* Forgets the trace before, and all that is in the arena. All parts lie there: where nothing was taken from it, there
 * is nothing to forget. */
void bt_trace_index_forget(bt_trace_index *index); /* bt_trace_index_start's other half */
static inline void bt_trace_index_start(bt_trace_index *index, const bt_trace *trace) {
  if (index->arena->total_bytes) bt_trace_index_forget(index);
  index->trace = trace;
  index->run++;
  index->has_times = index->has_part_counts = false;
}
/* The others: false or NULL when there is no room. */
void bt_trace_index_find_times(bt_trace_index *index);
void bt_trace_index_count_parts(bt_trace_index *index);
/* The spans whose name, or whose service, is that symbol; or where the compared field is that value, and those where it
 * is an array. False: no room. */
bool bt_trace_index_name_group(bt_trace_index *index, uint32_t symbol, bt_span_list *out) BT_MUST_CHECK;
bool bt_trace_index_service_group(bt_trace_index *index, uint32_t symbol, bt_span_list *out) BT_MUST_CHECK;
bool bt_trace_index_value_group(bt_trace_index *index, const bt_anchor *anchor, bt_span_list *out,
                                bt_span_list *arrays) BT_MUST_CHECK;
/* trace_members.c: member `number` (from 0) of a matcher, or BT_NO_SPAN; looks no further than that. Pays for the
 * text that was walked over to find it, also where it was found for another rule. work->status: see value_comparison.h;
 * BT_NO_MEMORY for no room too. */
uint32_t bt_trace_index_member(bt_trace_index *index, uint32_t matcher, uint32_t number, bt_work *work);
/* That the anchor of a matcher lets no span through, seen without keeping anything: for traces of a few spans. False
 * says nothing. */
bool bt_trace_index_sees_none(const bt_trace_index *index, uint32_t matcher);
/* All of them. */
bt_span_list bt_trace_index_members(bt_trace_index *index, uint32_t matcher, bt_work *work);
/* The same in another order (trace_order.c). BT_BY_TREE: only in a forest. */
bt_span_list bt_trace_index_ordered(bt_trace_index *index, uint32_t matcher, bt_member_order order, bt_work *work);
/* Numbers the spans by tree; is_forest tells whether that could be done: no id that several spans share is a parent,
 * and no cycle. */
bool bt_trace_index_find_tree(bt_trace_index *index) BT_MUST_CHECK;
bool bt_trace_index_count_services(bt_trace_index *index) BT_MUST_CHECK;
bool bt_trace_index_find_parents(bt_trace_index *index) BT_MUST_CHECK;
/* Room for the ids of one span as text. */
char (*bt_trace_index_id_texts(bt_trace_index *index, uint32_t span))[BT_SPAN_ID_HEX + 1];

#endif
