/* Violations on demand. A question is evaluated in the background, window after window from the end that is listed
 * first, and a page goes out as soon as nothing can come before it. An evaluation outlives its request: for some
 * minutes the next page finds it. All of them together keep to one memory limit, and the longest unused are forgotten
 * first. An evaluation that was forgotten is repeated when somebody asks again, with the same answer, because windows,
 * order and times follow from the question alone. An evaluation runs while somebody waits for more, and for half a
 * minute after a request that ran out of time; otherwise it rests. Thread: any function from any thread. */
#ifndef BT_SERVER_QUERY_EVALUATION_H
#define BT_SERVER_QUERY_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/memory/account.h"
#include "server/metrics/metrics.h"
#include "server/query/cursor.h"
#include "server/query/listing.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "server/work/wait.h"
#include "server/work/workplace.h"
#include "tempo/wire/source.h"

typedef struct bt_evaluations bt_evaluations;

typedef struct bt_evaluations_options {
  bt_workplace *work; /* borrowed */
  bt_source *source;  /* borrowed */
  bt_assumptions assumptions;
  bt_metrics *metrics;       /* counts evaluated windows; or NULL */
  uint32_t at_once;          /* windows that are evaluated at once; 0: 2 */
  size_t memory_limit_bytes; /* of all results together; 0: 64 MiB */
  bt_memory_account *memory; /* where they are counted, and windows ask for room; NULL: there is no other limit */
  int64_t keep_ns;           /* how long an evaluation is kept after it was last asked for; 0: 5 min */
} bt_evaluations_options;

/* new. BT_NO_MEMORY alone. */
bt_status bt_evaluations_new(const bt_evaluations_options *options, bt_evaluations **out,
                             bt_error *error) BT_MUST_CHECK;
/* Cancels what runs and waits for it. All looks have to be closed. NULL is fine. */
void bt_evaluations_free(bt_evaluations *evaluations);

typedef struct bt_question {
  const char *tenant; /* or NULL */
  bt_source *source;  /* borrowed; NULL: that of the options */
  bt_cursor cursor;   /* which evaluation it is (all but the position), and after which position to go on */
  const bt_rule_definition *const *rules; /* references are taken; of them the cursor's hash was made */
  size_t rule_count;                      /* 0: only an evaluation that is kept will do */
  const char *service;                    /* only violations of traces that have a span of this service; or NULL */
  const bt_trace_id *trace_id;            /* only those of this trace; or NULL */
  const char *problem;                    /* only those of the problem with this id (problem_id.h); or NULL */
} bt_question;

/* What identifies rules in a cursor: ids, condition hashes and margins, whatever their order. BT_NO_MEMORY alone. */
bt_status bt_question_hash_rules(const bt_rule_definition *const *rules, size_t count, uint8_t out[BT_RULES_HASH_BYTES],
                                 bt_error *error) BT_MUST_CHECK;

typedef struct bt_look bt_look; /* one reader of an evaluation: belongs to one thread at a time */

/* new. Finds the evaluation or begins it. BT_NOT_FOUND: it is not kept, and there are no rules to repeat it with.
 * BT_LIMIT: too many at once. */
bt_status bt_look_open(bt_evaluations *evaluations, const bt_question *question, bt_look **out,
                       bt_error *error) BT_MUST_CHECK;
void bt_look_close(bt_look *look); /* NULL is fine */

typedef struct bt_exercised { /* one rule, in what is evaluated so far */
  uint64_t traces;
  bool is_at_least;
} bt_exercised;

typedef struct bt_page {
  const bt_listed *items; /* in order; they and their rules stay until the page is disposed of */
  size_t count;
  const bt_rule_definition *const *rules; /* items[i].rule is a number in it */
  size_t rule_count;
  bool is_of_part; /* one trace was asked for, or one problem: no count of traces follows from the total */
  bt_kept_traces
      kept;     /* of one rule's violations, in what is evaluated so far: how those were kept that were read whole */
  bool goes_on; /* there is, or may be, more after `cursor` */
  bt_cursor cursor; /* to go on after this page */
  bool has_total;   /* all is evaluated and complete */
  uint64_t total;
  uint64_t inconclusive;     /* verdicts on settled traces that could not be reached, in what is evaluated so far */
  uint64_t traces_evaluated; /* in what is evaluated so far: all traces whose verdicts follow, read or not */
  bool evaluated_is_exact;   /* else there may be more */
  bt_exercised *exercised;   /* of each of the rules; owned */
  /* complete: all of the range up to effective_end was read in full and decided. data_from: only of a source without
   * filters, once all is evaluated; elsewhere the earliest trace is not looked for. */
  bt_coverage coverage;
  char reason[240]; /* why not; "" when it is complete */
  bt_look *look;    /* holds the items */
} bt_page;

typedef struct bt_page_wish {
  size_t least, limit; /* violations: with fewer than `least` it is no page yet, but where it is all there is */
  bool at_once;        /* what is certain now is a page, however short */
  bt_wait *wait;       /* woken when there is a page, where there is none now; NULL: nobody waits */
} bt_page_wish;

/* The next page after the last one of this look; *ready says whether there is one. Never waits. Who left a wait asks
 * again, or closes the look, before the wait goes. BT_OK, the error that ended the evaluation, or BT_NO_MEMORY. */
bt_status bt_look_page(bt_look *look, const bt_page_wish *wish, bool *ready, bt_page *out,
                       bt_error *error) BT_MUST_CHECK;
void bt_page_dispose(bt_page *page);

#endif
