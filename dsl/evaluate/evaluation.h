/* Inside the evaluator: the state of one run and what its files offer one another. Included by the evaluation_*.c files
 * and eval.c only. Every function that walks spans pays a step for each; when the budget is used up it stops and says
 * unknown, which three-valued logic carries on soundly. A failed allocation sets `work.status`; what is computed after
 * that is thrown away. Thread: one evaluator's. */
#ifndef BT_DSL_EVALUATE_EVALUATION_H
#define BT_DSL_EVALUATE_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/evaluate/kleene.h"
#include "dsl/evaluate/outcome.h"
#include "dsl/evaluate/program.h"
#include "dsl/evaluate/relatives.h"
#include "dsl/evaluate/trace_index.h"
#include "dsl/evaluate/value_comparison.h"
#include "dsl/evaluate/value_index.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

/* A span that was not seen, of an incomplete trace or of those that a summary stands for: all that rests on it is
 * unknown. */
#define BT_UNSEEN_SPAN (UINT32_MAX - 1)

enum {
  BT_TESTS_PER_STEP = 64, /* a step takes as long as two or three tests, but most rules have few tests */
  BT_TEXT_PER_STEP = 256, /* bytes that patterns walk over; they are counted apart from steps */
  BT_MAX_CHOICES = 10,
  BT_MAX_WITNESSES = 32,
  BT_MAX_WITNESSES_OF_SELECTION = 8 /* so that one selection that matches a lot leaves room for the others */
};

typedef struct bt_member { /* of a selection */
  uint32_t span;
  bt_kleene truth; /* true or unknown */
} bt_member;

typedef struct bt_member_list {
  const bt_member *members;
  uint32_t count;
  uint64_t turn; /* that they were worked out in: of no use in another one */
} bt_member_list;

typedef struct bt_truth_slot {
  bt_kleene truth;
  uint64_t turn;
} bt_truth_slot;

typedef struct bt_aggregate_slot {
  bt_outcome outcome;
  uint64_t turn;
} bt_aggregate_slot;

typedef struct bt_distinct_value {
  bt_value value; /* a scalar */
  uint32_t hash;
  bool is_sure; /* of a member that is one for certain */
} bt_distinct_value;

typedef struct bt_distinct_stack { /* of every count_distinct that is under way */
  bt_distinct_value *values;
  size_t count, capacity;
} bt_distinct_stack;

typedef struct bt_pick_slot {      /* of the selection that is picked from */
  uint64_t turn, room_turn;        /* the turn whose result is here; the turn that gave the room */
  uint32_t bound[BT_MAX_BINDINGS]; /* the spans that it was worked out for, of bindings that it depends on */
  bt_member *room;                 /* what is compared; afterwards the members, by number */
  uint32_t *spans;                 /* the members' */
  uint32_t count, capacity;
} bt_pick_slot;

typedef struct bt_index_place {
  const bt_value_index *index; /* NULL: there is none */
  bool was_tried;
} bt_index_place;

/* Lists in one order that are walked as one; a span that stands in several comes once. */
typedef struct bt_merge {
  bt_member_order order;
  uint32_t count;
  bt_span_list lists[BT_MAX_KEYS * BT_MOST_HASHES]; /* what is left of each */
} bt_merge;

typedef struct bt_downstream { /* of one span, as far as one relation goes (evaluation_linked.c) */
  uint64_t turn;
  const bt_program_relation *relation;
  uint32_t of;
  bt_span_list spans; /* by number */
  bool is_whole;      /* no span is missing */
  bool is_sure;       /* over spans alone whose starts are known */
} bt_downstream;

enum { BT_MAX_LOOKUPS = 8 }; /* keys of one selection; further ones are not looked up */

typedef struct bt_lookup_slot {
  uint64_t turn;
  uint64_t to_look_at;     /* spans, by all cursors but the first */
  bt_index_place *indexes; /* by key and order; NULL until asked for */
  bt_merge *merge;         /* room for the lists of alternatives, for one cursor at a time; NULL until asked for */
} bt_lookup_slot;

struct bt_evaluator {
  const struct bt_ruleset *ruleset;
  size_t first_rule, end_rule; /* that are judged: all, or one (eval.c) */
  bt_arena arena;              /* of one run */
  bt_arena rule_arena;         /* of one rule in one run */
  bt_work work;                /* of the rule under evaluation; its status is BT_LIMIT no longer than it takes to call
                                  bt_evaluator_is_cut */
  bt_trace_index index;        /* of the rule's own trace */
  bt_relatives relatives;      /* the family of it; numbers of spans are those of relatives.h */
  bt_rule_verdict *verdicts;
  bt_check check;
  uint64_t unchecked_steps; /* of rules that were begun since */
  /* the rule under evaluation */
  uint64_t turn; /* counts rules and traces, from 1, so that slots need not be cleared */
  const bt_program *program;
  bool is_incomplete; /* further spans may come, or were dropped */
  bool is_sampled;    /* and that is why */
  bool is_pruned;     /* there are summaries in place of others (evaluation_pruned.c) */
  bool has_summaries; /* the same, or of some trace of the family */
  uint8_t doubts;     /* of its spans (BT_DOUBT_*) */
  int64_t clock_skew_ns;
  bool coarse_clocks_unknown; /* bt_eval_options */
  bool met_tie;               /* two times that were compared are one whole millisecond, of whatever service */
  bt_str tied_service;        /* of a span whose order was unknown for that; without a pointer: none */
  uint8_t *is_coarse;         /* of each span; NULL: not worked out for this trace */
  bool has_coarse;            /* some span is */
  uint64_t step_budget, text_budget;
  uint64_t steps_left, steps_held; /* what is held back comes after the next check */
  uint64_t unpaid_tests;           /* less than BT_TESTS_PER_STEP */
  bool is_exhausted;
  bt_spending spent; /* on what, once it is */
  bt_range spent_in;
  uint32_t bound[BT_MAX_BINDINGS];    /* a span, BT_UNSEEN_SPAN, or BT_NO_SPAN: not bound */
  bt_member_list *member_slots;       /* of selections that depend on no binding */
  bt_truth_slot *truth_slots;         /* of conditions that depend on no binding */
  bt_aggregate_slot *aggregate_slots; /* of aggregates over selections that depend on no binding, by selection */
  bt_lookup_slot *lookup_slots;       /* of selections: their members by key */
  bt_distinct_stack distinct;
  bt_pick_slot *pick_slots;    /* of selections: which of them is the first or the last */
  uint32_t index_count;        /* that it has built */
  bool looks_up_at_once;       /* bt_eval_options */
  bool links_sampled;          /* the same, or as if */
  bool was_family_missed;      /* something of linked traces was asked for, and there is no family */
  bt_truth_slot *hidden_slots; /* of selections: whether a summary may hide members of it */
  bt_downstream downstream[2]; /* that was worked out last; [1]: is_sure */
};

/* Whether anything may be missing, and why. */
static inline bool bt_evaluator_lacks_spans(const bt_evaluator *evaluator) {
  return evaluator->is_incomplete || evaluator->is_pruned;
}

/* Where the trace has no gaps a span that was not seen is one of another trace. */
static inline unsigned bt_evaluator_why_missing(const bt_evaluator *evaluator) {
  if (evaluator->is_incomplete) return BT_WHY_INCOMPLETE;
  return evaluator->is_pruned ? BT_WHY_PRUNED : BT_WHY_LINKED;
}

/* Whether, but for clocks and budgets, everything that the rule asks for is known. */
static inline bool bt_evaluator_is_certain(const bt_evaluator *evaluator) {
  return !bt_evaluator_lacks_spans(evaluator) && !evaluator->doubts && !evaluator->program->is_linked;
}

/* Whether of any two spans it is known which one starts first. */
static inline bool bt_evaluator_knows_order(const bt_evaluator *evaluator) {
  return bt_evaluator_is_certain(evaluator) && evaluator->clock_skew_ns <= 0 && !evaluator->coarse_clocks_unknown;
}

/* Whether all that the trace index finds of a matcher are members for certain: not of a trace with spans of which not
 * everything is known, among which there are some that may be. */
static inline bool bt_evaluator_trusts_matcher(const bt_evaluator *evaluator, uint32_t matcher) {
  return !evaluator->doubts || !evaluator->ruleset->matchers[matcher].needs_test;
}

static inline bt_kleene bt_evaluator_missing(const bt_evaluator *evaluator) {
  return bt_kleene_unknown(bt_evaluator_why_missing(evaluator));
}

enum { BT_STEPS_BETWEEN_CHECKS = 4096 }; /* a few milliseconds at most */

/* So many steps may be taken from now on. */
static inline void bt_evaluator_allow(bt_evaluator *evaluator, uint64_t steps) {
  evaluator->steps_left = steps < BT_STEPS_BETWEEN_CHECKS ? steps : BT_STEPS_BETWEEN_CHECKS;
  evaluator->steps_held = steps - evaluator->steps_left;
}

bool bt_evaluator_spend_more(bt_evaluator *evaluator, uint64_t steps); /* eval.c: bt_evaluator_spend's other half */

/* Pays one step. False: the budget is used up, or the run has failed; stop. */
static inline bool bt_evaluator_step(bt_evaluator *evaluator) {
  if (evaluator->steps_left == 0 || evaluator->work.status != BT_OK) return bt_evaluator_spend_more(evaluator, 1);
  evaluator->steps_left--;
  return true;
}

/* Pays many steps at once. */
static inline bool bt_evaluator_spend(bt_evaluator *evaluator, uint64_t steps) {
  if (steps > evaluator->steps_left) return bt_evaluator_spend_more(evaluator, steps);
  evaluator->steps_left -= steps;
  return true;
}

/* Comparisons outside of matchers cost steps too, many of them one step: else a long `or` on each pair of spans would
 * cost nothing. Where no steps are left a comparison still answers, and the loop around it ends. */
static inline void bt_evaluator_pay_tests(bt_evaluator *evaluator, uint64_t tests) {
  evaluator->unpaid_tests += tests;
  if (evaluator->unpaid_tests < BT_TESTS_PER_STEP) return;
  (void)bt_evaluator_spend(evaluator, evaluator->unpaid_tests / BT_TESTS_PER_STEP);
  evaluator->unpaid_tests %= BT_TESTS_PER_STEP;
}

/* The first to say what it ran out of is right. */
static inline void bt_evaluator_exhaust(bt_evaluator *evaluator, bt_spending on) {
  if (!evaluator->is_exhausted) evaluator->spent = evaluator->check.is_over ? BT_SPENT_TIME : on;
  evaluator->is_exhausted = true;
}

/* Whether the text budget ran out in what was just compared, which is unknown then. The steps end with it. */
static inline bool bt_evaluator_is_cut(bt_evaluator *evaluator) {
  if (evaluator->work.status != BT_LIMIT) return false;
  evaluator->work.status = BT_OK;
  bt_work_allow(&evaluator->work, 0);
  bt_evaluator_allow(evaluator, 0);
  bt_evaluator_exhaust(evaluator, BT_SPENT_TEXT);
  return true;
}

/* Notes in which part it ran out; the innermost loop comes first, and there most was spent. */
void bt_evaluator_note_part(bt_evaluator *evaluator, bt_range range) __attribute__((cold)); /* eval.c */

/* What a loop over spans found, made unknown where the loop was cut short. */
static inline bt_kleene bt_evaluator_or_budget(const bt_evaluator *evaluator, bt_kleene found) {
  return evaluator->is_exhausted ? bt_kleene_or(found, bt_kleene_unknown(BT_WHY_BUDGET)) : found;
}

static inline const bt_span *bt_evaluator_span(const bt_evaluator *evaluator, uint32_t span) {
  const bt_trace *own = evaluator->index.trace;
  return span < own->span_count ? &own->spans[span] : evaluator->relatives.others[span - own->span_count];
}

/* Its start (its end) is not known, or not to the nanosecond. The span was seen. */
static inline bool bt_evaluator_lacks_point(const bt_evaluator *evaluator, uint32_t span, bool is_end) {
  return bt_evaluator_span(evaluator, span)->doubts & (is_end ? BT_DOUBT_END : BT_DOUBT_START);
}

/* It is not known at all. */
static inline bool bt_evaluator_has_no_time(const bt_evaluator *evaluator, uint32_t span, bool is_end) {
  return bt_evaluator_lacks_point(evaluator, span, is_end) &&
         bt_span_lacks_time(bt_evaluator_span(evaluator, span), is_end);
}

/* It is of another trace than the rule's. */
static inline bool bt_evaluator_is_abroad(const bt_evaluator *evaluator, uint32_t span) {
  return span >= evaluator->index.trace->span_count;
}

/* The number of its trace in the family. */
static inline uint32_t bt_evaluator_trace_of(const bt_evaluator *evaluator, uint32_t span) {
  const bt_relatives *relatives = &evaluator->relatives;
  return bt_evaluator_is_abroad(evaluator, span) ? relatives->trace_of[span - relatives->own_count] : 0;
}

/* Its times, ids, parent, events and links are those of several spans, and so they are nobody's. */
static inline bool bt_evaluator_is_summary(const bt_evaluator *evaluator, uint32_t span) {
  return evaluator->has_summaries && span < BT_UNSEEN_SPAN &&
         bt_evaluator_span(evaluator, span)->pruning == BT_PRUNING_SUMMARY;
}

/* The parent that it names may not be its own. */
static inline bool bt_evaluator_may_have_moved(const bt_evaluator *evaluator, uint32_t span) {
  return evaluator->has_summaries && bt_evaluator_span(evaluator, span)->pruning != BT_PRUNING_NONE;
}

/* Nothing is known of where it stands, in time or in the tree. */
static inline bool bt_evaluator_has_no_place(const bt_evaluator *evaluator, uint32_t span) {
  return span == BT_UNSEEN_SPAN || bt_evaluator_is_summary(evaluator, span);
}

/* evaluation_order.c: two spans, either of which may be unseen. */
bt_kleene bt_evaluate_before(bt_evaluator *evaluator, uint32_t a, bool a_is_end, uint32_t b, bool b_is_end);
bt_kleene bt_evaluate_under(bt_evaluator *evaluator, uint32_t descendant, uint32_t ancestor);
/* Whether an event of a span was before (after) a point of another one. */
bt_kleene bt_evaluate_event_order(bt_evaluator *evaluator, uint32_t span, const bt_event *event, uint32_t other,
                                  bool other_is_end, bool is_before);
/* A relation of `span` to `other`, the span that its `first` or `second` reference stands for. */
bt_kleene bt_evaluate_pair(bt_evaluator *evaluator, const bt_program_relation *relation, bool is_second, uint32_t span,
                           uint32_t other);

/* evaluation_linked.c: what reaches into other traces. A relation that does, of two spans that have a place: */
bt_kleene bt_evaluate_linked(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span,
                             uint32_t other);
/* "under" of two spans, one of which at least is of another trace. */
bt_kleene bt_evaluate_under_abroad(bt_evaluator *evaluator, uint32_t descendant, uint32_t ancestor);
/* Spans of the whole family, by number, among which all members are that were seen. */
bt_span_list bt_linked_candidates(bt_evaluator *evaluator, const bt_program_selection *selection);
/* Whether spans that were not seen, as far as the family's gaps go, may belong to it. */
bool bt_linked_may_lack(bt_evaluator *evaluator, const bt_program_selection *selection);

/* evaluation_window.c: from … to …, both included. */
typedef struct bt_window {
  int64_t low, high;
} bt_window;
bt_window bt_window_meet(bt_window a, bt_window b);
bt_window bt_window_around(int64_t point_ns, int64_t within_ns);
/* Starts that members can have, by their relations to bound spans. */
bt_window bt_window_of_starts(const bt_evaluator *evaluator, const bt_program_selection *selection);
/* Starts that the span of a reference can have, when `span` stands in relation to it. */
bt_window bt_window_of_others(const bt_evaluator *evaluator, const bt_program_relation *relation, bool is_second,
                              uint32_t span);
/* In which order the members of a selection are looked at, and which of them: by what `order` sorts them by. */
typedef struct bt_reach {
  bt_member_order order; /* BY_NUMBER: all of them */
  bt_window window;
} bt_reach;
bt_reach bt_window_reach(bt_evaluator *evaluator, const bt_program_selection *selection, bt_window starts);
/* The members of a selection's matcher within reach. */
bt_span_list bt_window_candidates(bt_evaluator *evaluator, const bt_program_selection *selection,
                                  const bt_reach *reach);
bt_span_list bt_window_cut(const bt_trace_index *index, bt_span_list list, const bt_reach *reach);

/* evaluation_lookup.c: of the members of a selection's matcher within reach those that its keys leave, and those of
 * `join` (or NULL), whose binding ranges over it; as one list, or as several in *merge. False: it has none that can be
 * used, or looking at all (by time or tree: at `in_window` spans) costs less. */
bool bt_lookup_candidates(bt_evaluator *evaluator, const bt_program_selection *selection,
                          const bt_program_condition *join, const bt_reach *reach, uint32_t in_window,
                          bt_span_list *out, bt_merge **merge);
/* The first of all that are left, or BT_NO_SPAN. */
uint32_t bt_merge_peek(const bt_trace_index *index, const bt_merge *merge);
void bt_merge_pass(bt_merge *merge, uint32_t span);

/* evaluation_selection.c */
typedef struct bt_cursor { /* walks the members of a selection */
  const bt_program_selection *selection;
  const bt_member *members; /* kept ones; else NULL and: */
  const uint32_t *spans;    /* candidates; else NULL and: */
  bt_merge *merge;          /* candidates from several lists; else NULL and: */
  bool is_whole_matcher;    /* the members of the selection's matcher, found on the way; else: */
  bool is_by_start;         /* `spans` are */
  bool is_backward;         /* `spans` are walked from their end: for who sets it before the first */
  uint32_t only_span;
  uint32_t count, next; /* is_whole_matcher: no count */
} bt_cursor;
void bt_cursor_open(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_selection *selection);
/* The spans for a binding: only those need to come for which the rest of its conjunction may hold. With `by_time` also
 * in another order. */
void bt_cursor_open_joined(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_condition *item, bool by_time);
/* Only members that start in the window need to come. */
void bt_cursor_open_within(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_selection *selection,
                           bt_window starts);
bool bt_cursor_next(bt_cursor *cursor, bt_evaluator *evaluator, bt_member *member);
/* Whether spans that were not seen belong to it: false, or unknown. */
bt_kleene bt_selection_unseen(bt_evaluator *evaluator, const bt_program_selection *selection);
bt_kleene bt_evaluate_exists(bt_evaluator *evaluator, const bt_program_selection *selection);
/* evaluation_pick.c: the spans that may be the first (the last) of the selection that a relation picks from, each with
 * how far it is. NULL: the run is cut short. What is given holds until other spans are bound. */
const bt_pick_slot *bt_evaluate_pick(bt_evaluator *evaluator, const bt_program_relation *relation);
bt_kleene bt_evaluate_is_picked(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span);
/* has_before, has_after */
bt_kleene bt_evaluate_before_all(bt_evaluator *evaluator, const bt_program_condition *condition);

/* evaluation_expression.c, evaluation_aggregate.c; `span` is the span under test or BT_NO_SPAN. */
bt_kleene bt_evaluate_comparison(bt_evaluator *evaluator, const bt_program_comparison *comparison, uint32_t span,
                                 const bt_span_part *part);
bt_kleene bt_evaluate_predicate(bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span,
                                const bt_span_part *part);
bt_outcome bt_evaluate_expression(bt_evaluator *evaluator, const bt_program_expression *expression, uint32_t span,
                                  const bt_span_part *part);
bt_outcome bt_evaluate_field(bt_evaluator *evaluator, const bt_field *field, uint32_t span, const bt_span_part *part);
bt_outcome bt_evaluate_aggregate(bt_evaluator *evaluator, const bt_program_expression *expression);

/* evaluation_distinct.c: count_distinct. */
bt_outcome bt_evaluate_distinct(bt_evaluator *evaluator, const bt_program_expression *expression, bt_kleene unseen);

/* evaluation_times.c: whether two sides are times; whether clocks may decide their order; what a comparison of
 * them says then. */
bool bt_are_times(const bt_program_expression *left, const bt_program_expression *right);
bool bt_evaluator_doubts_order(const bt_evaluator *evaluator, const bt_program_expression *left,
                               const bt_program_expression *right);
bt_kleene bt_evaluate_times(bt_evaluator *evaluator, bt_comparison_operator op, const bt_program_expression *left,
                            const bt_program_expression *right, uint32_t span, const bt_span_part *part);

/* evaluation_ties.c: starts that are one whole millisecond. Notes that two times are so, whichever they are. */
void bt_evaluator_note_tie(bt_evaluator *evaluator, int64_t a_ns, int64_t b_ns);
void bt_evaluator_note_tie_of_some(bt_evaluator *evaluator, const bt_outcome *a, const bt_outcome *b);
/* Whether the order of two starts is unknown for that, and that of the earliest or latest times of several spans. */
bool bt_evaluator_is_tie(bt_evaluator *evaluator, uint32_t a, int64_t a_ns, uint32_t b, int64_t b_ns);
bool bt_evaluator_is_tie_of_some(bt_evaluator *evaluator, const bt_outcome *a, const bt_outcome *b);

/* evaluation_pruned.c: what may be said of a trace with summaries. */
/* Whether a span that some summary stands for could belong to the selection, which has no binding for its source. */
bool bt_pruned_may_hide(bt_evaluator *evaluator, const bt_program_selection *selection);
/* How many spans of a selection a member stands for, at least: 1, or what a summary says where all its spans belong to
 * it. */
uint64_t bt_pruned_weight(bt_evaluator *evaluator, const bt_program_selection *selection, uint32_t member);
/* Of the trace, at least. */
uint64_t bt_pruned_span_count(const bt_evaluator *evaluator);
/* Whether one of the spans that summaries stand for could be the root in place of `root`. */
bool bt_pruned_may_hide_root(const bt_evaluator *evaluator, uint32_t root);
/* Whether a field of a summary, or of a span that was kept, is its own; of all other spans it is. */
bool bt_pruned_knows(const bt_evaluator *evaluator, uint32_t span, bt_field_kind field);
/* Whether a static predicate asks for such fields only: then its matcher may be asked. */
bool bt_pruned_can_test(const bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span);

/* evaluation_condition.c */
bt_kleene bt_evaluate_condition(bt_evaluator *evaluator, const bt_program_condition *condition);
/* items[from …] of a conjunction: bindings of EXISTS reach to the right. */
bt_kleene bt_evaluate_conjunction(bt_evaluator *evaluator, const bt_program_condition *conjunction, uint32_t from);

/* evaluation_choice.c: one rule. */
void bt_evaluate_choices(bt_evaluator *evaluator, bt_rule_verdict *out);

/* evaluation_witness.c: what a violating choice has to show; its spans are bound. False: no memory. */
bool bt_evaluate_witnesses(bt_evaluator *evaluator, bt_choice *out) BT_MUST_CHECK;

#endif
