/* What is read and judged of the traces, and waits to be told: what the files that judge share. Thread: the
 * replay's. */
#ifndef BT_SERVER_REPLAY_JUDGEMENT_H
#define BT_SERVER_REPLAY_JUDGEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/evaluate/data_notes.h"
#include "dsl/trace/trace.h"
#include "server/replay/decision.h"
#include "server/replay/entry_services.h"
#include "server/replay/linking_index.h"
#include "server/replay/questions.h"
#include "server/replay/replay.h"
#include "server/replay/replay_account.h"
#include "server/replay/replay_plan.h"
#include "server/replay/trace_table.h"
#include "server/replay/trust.h"
#include "server/replay/violation.h"

/* What is to be told of one trace, rule by rule. */
typedef struct bt_judged {
  bt_trace_verdict verdict;
  bool is_usable;          /* false: this read cannot speak for the rule, and nothing is told */
  bool hangs_on_ties;      /* bt_rule_verdict */
  bt_violation *violation; /* of violated, when somebody wants it built; else NULL */
} bt_judged;

typedef struct bt_sampled { /* a trace that waits for the sample to be complete */
  uint64_t key;
  size_t known;
  bt_judged *rules;    /* rule_count of them */
  bool is_handed_over; /* so long ago that search and batches should give all of it */
  bool is_chosen;      /* before it was read: it stays in the sample, whatever the batch said */
  bool violates;       /* so the batch said */
} bt_sampled;

/* Traces that were read both ways. */
typedef struct bt_comparisons {
  uint32_t count;            /* all; of what was handed over long ago: */
  uint32_t handed_over;      /* all of it, */
  uint32_t agreed, differed; /* violations that are the same both ways, and whatever is not */
  uint64_t from_batches;     /* traces that a batch judged: so many rest on comparisons */
  bool is_granted;
  bt_trust_grant grant; /* the least that was found while it was decided what to compare */
} bt_comparisons;

/* Candidates that are held against a read by id, whatever the batch says of them: as many as the least sample has, so
 * that all of a small one can be read beside the batch. */
enum { BT_CHOSEN_MAX = 8 };
typedef struct bt_chosen {
  size_t known[BT_CHOSEN_MAX];
  size_t count;
  bool are_asked;
} bt_chosen;

typedef struct bt_known_list { /* numbers of known traces */
  size_t *items;               /* with room enough */
  size_t count;
} bt_known_list;

/* A known trace that waits for those that links tie to it. */
typedef struct bt_awaiting {
  size_t known;
  bt_trace trace; /* a copy */
  void *room;     /* of its spans; NULL: there was none, so it is read again */
  bool is_shown;  /* as a batch gave it, which shows no links; else by id */
  bt_trace shown; /* of one that was read both ways: what the batch gave, */
  void *shown_room;
} bt_awaiting;

enum { BT_KEPT_WAYS = 64 };

typedef struct bt_judge {
  const bt_replay_plan *plan;
  bt_trace_table *table;
  bt_replay_account *account;
  bt_questions *questions;
  bt_decider *decider;
  bt_rule_evaluator *evaluator;
  /* Of a replay at random: whether what was told so far is enough, once all with keys up to this one was read. */
  bool (*has_enough)(const void *context, uint64_t last_key);
  const void *context; /* of has_enough */

  size_t *queue; /* known traces that wait to be read by id */
  size_t queue_count, queue_capacity;
  bt_awaiting *linked;
  size_t linked_count, linked_capacity, linked_bytes;
  size_t shown_count;        /* of linked: as batches gave them */
  bt_linking_index linking;  /* for families of those that wait */
  bool family_lacked_memory; /* that is judged now: not all of it is there */
  bt_sampled *samples;
  uint32_t sample_count;
  uint64_t sampled_from; /* violating traces that batches showed */
  bt_comparisons comparisons;
  bt_chosen chosen;
  uint64_t unread_differences;
  bool spans_differ; /* a trace was read and does not violate, of which its spans had shown that it does */
  /* Traces whose batch a read by id contradicts, but for those with copies that do not agree. */
  struct {
    uint64_t lost;    /* the batch did not show a violation */
    uint64_t refuted; /* it showed one that is none by id */
  } differs;
  uint64_t judged, to_judge; /* for progress */
  uint64_t sample_differences;
  bt_data_notes **notes; /* rule_count of them; NULL: nobody wants any */
  uint64_t noted_spans;
  uint64_t dropped;   /* traces that a read by id left open, because what a rule asks for may have been dropped */
  int64_t *listed_ns; /* of each rule: the latest time of a trace of which a violation was made */
  bt_kept_trace ways[BT_KEPT_WAYS]; /* in which traces were kept, as they were met */
  size_t way_count;
  bt_entry_services *entries; /* of the whole replay; the caller's */
  bool observer_full;         /* the observer keeps no more */
  char full_reason[200];
} bt_judge;

#endif
