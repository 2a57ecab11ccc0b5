/* Rules × one trace → verdicts with witnesses (dsl.md §2). A ruleset is compiled once and shared; an evaluator is one
 * thread's scratch. The verdict is exactly that of three-valued logic as written, except for the budgets. Thread: any
 * for a ruleset, which nothing changes once it is made; one at a time for an evaluator. */
#ifndef BT_DSL_EVALUATE_EVAL_H
#define BT_DSL_EVALUATE_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

typedef struct bt_ruleset bt_ruleset;     /* immutable, any thread */
typedef struct bt_evaluator bt_evaluator; /* one thread */

typedef enum bt_verdict { BT_VIOLATED, BT_INCONCLUSIVE, BT_SATISFIED, BT_NOT_APPLICABLE } bt_verdict;
typedef enum bt_reason {
  BT_REASON_NONE,
  BT_REASON_BUDGET,
  BT_REASON_INCOMPLETE,
  BT_REASON_PRUNED,  /* summaries stand for spans that are not there */
  BT_REASON_COPIES,  /* records of one span do not agree, and the rule does not say the same of each */
  BT_REASON_TIME,    /* a start or an end that is 0, which nobody set */
  BT_REASON_DROPPED, /* attributes, events or links that were dropped before the span was stored, or its flags */
  BT_REASON_SAMPLED, /* services sample for themselves, and one of them may have dropped its spans of this trace */
  BT_REASON_TYPE,    /* the store lost the type of a value, and with another one the verdict could be another one */
  BT_REASON_SKEW,
  BT_REASON_LINKED /* traces that are linked to this one were not, or not all, seen */
} bt_reason;
typedef enum bt_truth { BT_FALSE, BT_UNKNOWN, BT_TRUE } bt_truth;

typedef struct bt_eval_options {
  bool incomplete; /* more spans may come: PARTIAL, unsettled, or a missing parent where complete traces are required */
  bool sampled;    /* the same, because services sample for themselves (keeping.h); incomplete says it all else */
  int64_t clock_skew_ns;      /* 0: none */
  bool coarse_clocks_unknown; /* equal starts of services that write whole milliseconds have no order that is known;
                               * for rules that say nothing of it */
  uint64_t step_budget;       /* per rule and trace; 0: bt_default_step_budget */
  uint64_t least_steps;       /* the budget where step_budget, or its default, is less */
  bool links_sampled;         /* traces are dropped one by one, so that no trace linking to a span is never known */
  bool looks_up_at_once;      /* tests: builds at once what otherwise only large traces have, and says the same */
  uint64_t text_budget; /* bytes that patterns and `contains` may walk over (bt_pattern_match); 0: 256 for each step */
} bt_eval_options;

typedef struct bt_witness {
  uint32_t span;  /* number in its trace */
  int binding;    /* the binding that it is, or BT_NO_BINDING for a span that a satisfied selector matched */
  bt_range range; /* of the selector in the rule's text */
  uint32_t trace; /* number of that in the family; 0: the rule's own */
} bt_witness;

typedef struct bt_choice {
  /* Bound spans first in order of `as`, then by place in the text; at most 32, and 8 of one selector. */
  const bt_witness *witnesses;
  uint32_t witness_count;
  bt_range failed;   /* the clause, or the conjunct, that makes this choice violate: what was missing, or was there and
                        must not be */
  bt_sides measured; /* where that is a comparison, what its sides came to: INT (nanoseconds of a duration), DOUBLE or,
                        where one is no number or not known, MISSING */
} bt_choice;

/* What a budget was spent on. */
typedef enum bt_spending {
  BT_SPENT_NOTHING,
  BT_SPENT_STEPS, /* spans that were looked at */
  BT_SPENT_TEXT,  /* text that patterns and `contains` walked over */
  BT_SPENT_TESTS, /* the rule tests each span more often than its whole budget allows; it was not begun */
  BT_SPENT_TIME   /* who was asked whether to go on said no (bt_evaluator_check_with) */
} bt_spending;

typedef struct bt_rule_verdict {
  bt_verdict verdict;
  bt_reason reason;         /* of inconclusive */
  bt_spending spent;        /* of the reason budget: on what */
  bt_range spent_in;        /* STEPS, TEXT: the selector whose spans were being looked at; empty where it was none */
  bt_truth exercised;       /* dsl.md §2 */
  const bt_choice *choices; /* violated: at most 10, by start times, then ids, then kinds */
  uint32_t choice_count;
  uint64_t choice_total; /* number of all violating choices (a lower bound when a budget ran out) */
  /* Violated, and with links_sampled it would be inconclusive: that no trace, or no further one, links to a span
   * decides it. */
  bool rests_on_no_link;
  /* Violated, and linked traces that were not seen may add choices and witnesses to those here; or inconclusive, for
   * them among others. */
  bool lacks_links;
  /* Not inconclusive, and with coarse_clocks_unknown, of which the rule says nothing, it would be another one.
   * tied_service: one of such spans, borrowed from the trace. */
  bool hangs_on_ties;
  bt_str tied_service;
  const bt_family *family; /* that it was judged with, borrowed; or NULL */
} bt_rule_verdict;

/* The span of a witness of a verdict on that trace. */
const bt_span *bt_witness_span(const bt_trace *trace, const bt_rule_verdict *verdict, const bt_witness *witness);

/* A million, and fifty for each span: what a rule needs grows with them. */
uint64_t bt_default_step_budget(const bt_trace *trace);

/* The rules are borrowed and must outlive the ruleset. BT_NO_MEMORY alone. */
bt_status bt_ruleset_new(const bt_rule *const *rules, size_t count, bt_ruleset **out, bt_error *error) BT_MUST_CHECK;
void bt_ruleset_free(bt_ruleset *ruleset);

/* The ruleset is borrowed and must outlive the evaluator. BT_NO_MEMORY alone. */
bt_status bt_evaluator_new(const bt_ruleset *ruleset, bt_evaluator **out, bt_error *error) BT_MUST_CHECK;
void bt_evaluator_free(bt_evaluator *evaluator);
/* From now on asks every few milliseconds of work whether to go on with a trace. Where it must not, whatever is not
 * known by then is inconclusive (budget). May be called on the evaluator's thread between runs; the context is
 * borrowed. */
void bt_evaluator_check_with(bt_evaluator *evaluator, bool (*may_go_on)(void *context), void *context);
/* Verdicts of all rules, in the order of the ruleset; *out has as many entries, borrowed until the next call on this
 * evaluator. `options` has one entry for every rule, or is NULL for defaults. BT_LIMIT or BT_NO_MEMORY: nothing is
 * known about this trace. */
bt_status bt_evaluator_run(bt_evaluator *evaluator, const bt_trace *trace, const bt_eval_options *options,
                           const bt_rule_verdict **out, bt_error *error) BT_MUST_CHECK;
/* The same of the first trace of a family; without one, whatever reaches into other traces is unknown. */
bt_status bt_evaluator_run_family(bt_evaluator *evaluator, const bt_family *family, const bt_eval_options *options,
                                  const bt_rule_verdict **out, bt_error *error) BT_MUST_CHECK;

const char *bt_verdict_name(bt_verdict verdict); /* "violated", "inconclusive", "satisfied", "not_applicable" */
const char *bt_reason_name(bt_reason reason);    /* "", or as openapi.yaml has them */
/* Why a verdict is inconclusive, for people: a clause without a full stop, on one line. "" of BT_REASON_NONE. */
const char *bt_reason_in_words(bt_reason reason);
/* Appends what a budget was spent on, as "too many spans were looked at, in `y after a` (line 2, column 7)". Nothing
 * where it was not the reason. */
void bt_verdict_say_spending(const bt_rule_verdict *verdict, bt_str rule_text, bt_buffer *out);

#endif
