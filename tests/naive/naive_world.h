/* What the parts of the naive evaluator share: the rule, the trace, how much of it may be missing, and the spans that
 * are bound. A bound span is a number in the trace, or a span that may still come ("unseen"). Only for the naive
 * evaluator. */
#ifndef BT_TESTS_NAIVE_WORLD_H
#define BT_TESTS_NAIVE_WORLD_H

#include "tests/naive/naive_value.h"

/* Numbers from here on stand for unseen spans, one for each binding. */
#define NAIVE_FIRST_UNSEEN UINT32_C(0x80000000)

typedef struct naive_world {
  const bt_rule *rule;
  const bt_trace *trace;   /* the rule's own */
  const bt_family *family; /* NULL: nothing is known of other traces */
  const bt_span *spans;    /* by number: the own ones first, then those of the family's other traces */
  const uint32_t *home;    /* the number of each one's trace in the family */
  uint32_t span_count;     /* of all */
  bool incomplete;
  bool takes_zero_times, takes_dropped,
      takes_doubled; /* what is not known counts as known, to tell why a verdict is unknown */
  int64_t skew_ns;
  bool coarse_clocks_unknown;
  uint32_t bound[BT_MAX_BINDINGS];
} naive_world;

/* What a predicate or an expression speaks about. In conditions there is no span. */
typedef struct naive_subject {
  uint32_t span;
  const bt_event *event; /* inside event.where: that one event; NULL outside, and of an unseen span */
  const bt_link *link;   /* inside link.where, likewise */
} naive_subject;

bool naive_is_unseen(uint32_t span);
/* Whether a start (an end) of a span that was seen was never set. */
bool naive_lacks_time(const naive_world *world, uint32_t span, bool is_end);
/* Whether events (links) of it were dropped: what is said of those that are not there is unknown. */
bt_truth naive_further_events(const naive_world *world, uint32_t span);
bt_truth naive_further_links(const naive_world *world, uint32_t span);
/* Stands for several spans that were summed up: when and where they were nobody knows. */
bool naive_is_summary(const naive_world *world, uint32_t span);

/* naive_structure.c: order and ancestry of two spans */
/* All starts of the span's service in its trace are whole milliseconds. */
bool naive_is_coarse(const naive_world *world, uint32_t span);
bt_truth naive_is_under(const naive_world *world, uint32_t span, uint32_t ancestor);
bt_truth naive_is_child(const naive_world *world, uint32_t span, uint32_t parent);
bt_truth naive_is_sibling(const naive_world *world, uint32_t a, uint32_t b);
/* One point of a span before one of another. */
bt_truth naive_is_first(const naive_world *world, uint32_t a, bool a_is_end, uint32_t b, bool b_is_end);
/* An event of a span before (after) a point of another one. */
bt_truth naive_is_event_before(const naive_world *world, naive_subject subject, uint32_t other, bool other_is_end);
bt_truth naive_is_event_after(const naive_world *world, naive_subject subject, uint32_t other, bool other_is_end);
/* Start of `span` before (after) the start or end of the other. */
bt_truth naive_is_before(const naive_world *world, uint32_t span, uint32_t other, bool other_is_end);
bt_truth naive_is_after(const naive_world *world, uint32_t span, uint32_t other, bool other_is_end);
/* Start of `span` at most within_ns from the start or end of the other, either side. */
bt_truth naive_is_within(const naive_world *world, uint32_t span, uint32_t other, bool other_is_end, int64_t within_ns);

/* naive_linked.c: one span linked to (from) another one, or downstream of it. Both are there. */
bt_truth naive_is_linked(const naive_world *world, const bt_relation *relation, uint32_t span, uint32_t other);
/* Whether the family may lack spans of a selection that reaches into other traces. */
bool naive_may_lack(const naive_world *world, const bt_selection *selection);
/* That the family has all spans of that trace; of the own one the options say so. */
bool naive_is_whole(const naive_world *world, uint32_t trace);

/* naive_expression.c */
bool naive_is_of_event(bt_field_kind kind);
bool naive_is_of_link(bt_field_kind kind);
naive_value naive_field(const naive_world *world, const bt_field *field, naive_subject subject);
naive_value naive_expression(const naive_world *world, const bt_expression *expression, naive_subject subject);
/* Of events and links: met if some event (link) meets it. */
bt_truth naive_comparison(const naive_world *world, const bt_comparison *comparison, naive_subject subject);

/* naive_pruned.c: traces with summaries. Of the spans that a summary hides only its name and its status are known. */
bool naive_is_pruned(const naive_world *world);
/* Whether one of them meets the predicate: comparisons with other than literals count as unknown. */
bt_truth naive_hidden_meets(const bt_predicate *predicate, const bt_span *summary);
/* Whether some summary hides a span that the predicate may be met by. */
bool naive_may_hide(const naive_world *world, const bt_predicate *predicate);
/* How many spans it says that it stands for. */
int64_t naive_span_count(const bt_span *summary);
/* Whether that field is the span's own: of summaries it may not be, and of a span that was kept its parent may not be.
 */
bool naive_knows(const naive_world *world, uint32_t span, bt_field_kind kind);

/* naive_selection.c */
/* The spans that a selection is made from: every one, or the bound one. */
uint32_t naive_candidate_count(const naive_world *world, const bt_selection *selection);
uint32_t naive_candidate(const naive_world *world, const bt_selection *selection, uint32_t i);
/* Whether spans that were not seen may belong to it. */
bool naive_is_open(const naive_world *world, const bt_selection *selection);
/* How many events or links of the span meet the predicate, which is one about one event or one link. */
naive_value naive_part_count(const naive_world *world, const bt_predicate *part, uint32_t span);
bt_truth naive_is_member(const naive_world *world, const bt_selection *selection, uint32_t span);
/* naive_pick.c: it is a member, and no other member comes before it (after it). */
bt_truth naive_is_end_of(const naive_world *world, const bt_selection *selection, uint32_t span, bool is_first);
bt_truth naive_some_member(const naive_world *world, const bt_selection *selection);
naive_value naive_aggregate(const naive_world *world, const bt_expression *aggregate);

/* naive_distinct.c */
naive_value naive_distinct(const naive_world *world, const bt_expression *aggregate);

#endif
