/* What is decided of the traces that were found, and the ways to decide it. Each rule has its sets of traces:
 * candidates, and those of them that have to be read. Candidates that no way decides are read. A way may cost time
 * when it is chosen wrongly, and never an answer: it takes traces out of `unread` that do not violate, marks those
 * that do, and nothing else. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_DECISION_H
#define BT_SERVER_REPLAY_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"
#include "server/replay/linker_table.h"
#include "server/replay/questions.h"
#include "server/replay/replay_account.h"
#include "server/replay/replay_plan.h"
#include "server/replay/trace_table.h"
#include "server/replay/trust.h"
#include "tempo/wire/source.h"

/* One search for the candidates of many rules: where the over-formula of a rule is one filter, or any of several, a
 * filter that finds what any rule's filters find serves all of them. It finds too much for each and too little for
 * none. For many rules over a short window this is one question instead of one for each prefilter, and each trace is
 * read once either way. */
typedef struct bt_filter_union {
  const bt_over *any; /* what all of them together find, in as few queries as hold it; NULL: nothing is joined */
  bt_arena arena;
} bt_filter_union;

/* What the spans of one trace show for a rule. */
typedef enum bt_spans_verdict {
  BT_SPANS_UNDECIDED, /* the whole trace has to be read */
  BT_SPANS_VIOLATION, /* too, unless violations like it are counted alone (counted_violations.h) */
  BT_SPANS_NO_VIOLATION,
  BT_SPANS_EXERCISED /* and no violation */
} bt_spans_verdict;

typedef struct bt_rule_sets {
  const bt_planned_rule *planned;
  bool is_answered;            /* every search for its candidates was answered in full */
  uint64_t subtracted_from;    /* candidates that it had when something was subtracted first; 0: nothing was */
  uint64_t *candidates;        /* bits over the known traces: may violate */
  uint64_t *unread;            /* of the candidates: those not subtracted, which have to be read */
  uint64_t *exercising;        /* may exercise; NULL: not known */
  uint64_t *surely_exercising; /* and does; NULL: not known */
  uint64_t *decided;           /* of the candidates: those that a projection showed not to violate; NULL: none */
  uint64_t *decided_exercised; /* of these: those that exercised the rule */
  uint64_t *violating; /* of `unread`: those that a projection showed to violate (bt_spans_may_count); or NULL */
} bt_rule_sets;

typedef struct bt_decided { /* what its spans show */
  bt_trace_id id;
  uint8_t verdict; /* bt_spans_verdict */
} bt_decided;

/* Spans that were asked for before anything else (projection_first_way.c). */
typedef struct bt_projection_first {
  bt_over any;            /* stands for the rule's formula: every trace with such spans */
  bt_found_list searched; /* some that a search had found before: they have to be among them */
  bt_found_list found;    /* these traces, by id; moved into the question of `any` */
  bt_found_list after;    /* those that seem to begin after the range */
  bt_decided *decided;    /* those that their spans decide */
  size_t decided_count, decided_capacity;
  size_t exercised_count, undecided_count; /* of those that are old enough */
  bt_trust_spans probed;                   /* for later replays: what a part of them said, or all */
} bt_projection_first;

/* Spans that link elsewhere, of one rule and some range (linked_evidence.h). */
typedef struct bt_linked_evidence {
  bt_linker_table linkers;
  bt_found_list pruned; /* traces with summaries in place of spans */
} bt_linked_evidence;

typedef struct bt_decider {
  const bt_replay_plan *plan;
  bt_trace_table *table;
  bt_replay_account *account;
  bt_questions *questions;
  bt_rule_evaluator *evaluator;
  bt_rule_sets *rules;    /* one for each rule of the plan */
  bt_filter_union joined; /* where the request wants it: stands for the formulas that it takes */
  const bt_over
      *stand_in; /* finds what every rule's formulas may find, and is asked in their place; NULL: there is none */
  bt_projection_first first;
  bt_linked_evidence evidence;
} bt_decider;

/* A way to decide the candidates of the rules that it was chosen for (bt_rule_result.strategy). Steps that are NULL are
 * nothing; reading has none. */
typedef struct bt_decision_way {
  bool is_of_links; /* only for plans with shows_links */
  /* Before anything is searched for; may set stand_in. */
  bt_status (*ask_first)(bt_decider *decider, bt_error *error);
  /* The candidates are known: what else searches by ids find. */
  bt_status (*narrow)(bt_decider *decider, bt_error *error);
  /* And it is known which traces are BeTrace's own: what the spans of the others show. */
  bt_status (*decide)(bt_decider *decider, bt_error *error);
} bt_decision_way;

extern const bt_decision_way bt_projection_way; /* the spans of candidates decide */
extern const bt_decision_way
    bt_projection_first_way;               /* spans are asked for before anything else, and find candidates */
extern const bt_decision_way bt_links_way; /* spans of candidates, and spans that link to them, decide */
void bt_projection_first_dispose(bt_projection_first *first);

#endif
