/* A family: a trace and the traces that span links tie to it, as far as somebody gathered them (dsl.md §9).
 * A rule is judged on the first of them, its own; the others are there for `linked to`, `linked from` and `downstream
 * of`. What a family does not claim to know makes such a relation unknown, never absent. All is borrowed from whoever
 * gathered it and must outlive the verdicts. Thread: immutable once it is filled, any thread. Times are nanoseconds
 * since the epoch. */
#ifndef BT_DSL_TRACE_FAMILY_H
#define BT_DSL_TRACE_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace/trace.h"

/* Of one trace: so many traces that are linked to it, and so many spans of them. Above either nobody gathers more for
 * it. */
enum { BT_FAMILY_MAX_TRACES = 1000, BT_FAMILY_MAX_SPANS = 100000 };

typedef struct bt_family_trace {
  const bt_trace *trace;
  bool is_incomplete; /* spans of it may be missing or may come yet; of the own one bt_eval_options says so */
  bool hides_links;   /* its spans may link to more than they say; what they say is right */
  /* Every span anywhere that links to this trace and starts in here, both ends included, is in the family, but for
   * those that incomplete traces lack. So it ends where what is stored is not settled. From after until: nobody asked.
   */
  int64_t asked_from_ns, asked_until_ns;
} bt_family_trace;

typedef struct bt_family {
  const bt_family_trace *traces; /* the rule's own first, the others in any order, each id once */
  uint32_t trace_count;          /* 1 at least */
  /* NULL, or the kinship of these traces (kinship.h). The evaluator does not use one of other traces. */
  const struct bt_kinship *kinship;
} bt_family;

#endif
