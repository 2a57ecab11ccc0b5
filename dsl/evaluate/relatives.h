/* What the evaluator wants to know quickly of a family (family.h): its spans under one numbering, and who names whom by
 * span ids. The rule's own spans come first, with the numbers that they have in their trace, then those of the others.
 * The tables are made, or taken from the family's kinship, when they are first asked for. All other memory is the
 * evaluator's arena of one run. Thread: one evaluator's. */
#ifndef BT_DSL_EVALUATE_RELATIVES_H
#define BT_DSL_EVALUATE_RELATIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/evaluate/trace_index.h"
#include "dsl/trace/family.h"
#include "dsl/trace/kinship.h"
#include "dsl/trace/trace.h"

typedef struct bt_relatives {
  const bt_family *family; /* NULL: there is none, and nothing below is set */
  bt_arena *arena;
  uint32_t own_count, span_count; /* of the rule's own trace, of all */
  const bt_span **others;         /* by number less own_count */
  uint32_t *trace_of;             /* of those: the number of their trace in the family */
  uint32_t *first_span;           /* of each trace */
  uint32_t *by_id;                /* numbers of the traces in order of their ids */
  bool has_gaps;                  /* some other trace is not whole, or some trace hides links */
  bool hides_links;               /* some trace does */
  bool has_summaries;             /* some trace was pruned */
  uint8_t doubts;                 /* of all traces (BT_DOUBT_*) */
  /* NULL until asked for */
  uint32_t *all;                           /* every number, ascending */
  uint32_t *queue, *mark, mark_number;     /* room for walks */
  char (*id_texts)[2][BT_SPAN_ID_HEX + 1]; /* own and parent id of each other span */
  bool has_ties;
  const bt_kinship *kinship;                    /* of the family's traces, which may be shared */
  uint32_t own_place;                           /* the number of the own trace in it */
  const uint32_t *with_id, *children, *linkers; /* the spans of its tables, by this numbering */
} bt_relatives;

/* The family is borrowed. False: no room, or more than 2^30 spans. */
bool bt_relatives_start(bt_relatives *relatives, const bt_family *family, bt_arena *arena) BT_MUST_CHECK;
/* The tables below and the room for walks. False: no room. */
bool bt_relatives_find_ties(bt_relatives *relatives) BT_MUST_CHECK;
/* After that: the spans of a trace that have the id, whose parent it is, and the spans of all traces that link to it.
 */
bt_span_list bt_relatives_with_id(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id);
bt_span_list bt_relatives_children(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id);
bt_span_list bt_relatives_linkers(const bt_relatives *relatives, uint32_t trace, const bt_span_id *id);
/* False: it is not in the family. */
bool bt_relatives_find_trace(const bt_relatives *relatives, const bt_trace_id *id, uint32_t *trace);
/* The numbers of a trace's spans; after bt_relatives_find_ties. */
bt_span_list bt_relatives_of_trace(const bt_relatives *relatives, uint32_t trace);
/* That nothing of it is missing as far as the family says; what the options say of the own one is not looked at. */
bool bt_relatives_is_whole(const bt_relatives *relatives, uint32_t trace);
/* Starts a walk: no span is marked. */
void bt_relatives_start_walk(bt_relatives *relatives);
/* Whether this walk came to it. */
static inline bool bt_relatives_is_marked(const bt_relatives *relatives, uint32_t span) {
  return relatives->mark[span] == relatives->mark_number;
}
/* Whether this walk comes to it for the first time. */
bool bt_relatives_mark(bt_relatives *relatives, uint32_t span);
/* Room for the ids of one of the others as text; NULL: no room. */
char (*bt_relatives_id_texts(bt_relatives *relatives, uint32_t span))[BT_SPAN_ID_HEX + 1];

#endif
