/* What a report says of each rule: counts and samples over a range, from replays of one day after another so that
 * memory stays bounded whatever the range. Rules with another settle or margin have replays of their own: no rule's
 * setting changes what the numbers or the coverage of another one mean. Never false: what was not read, judged or
 * counted is in the coverage or in the counts, and is_certain is false then. The sample is seeded: of all traces with a
 * verdict those with the smallest numbers, which depend on the seed and the trace id alone. Thread: the caller's. */
#ifndef BT_SERVER_MEASUREMENT_H
#define BT_SERVER_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/memory/account.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

enum { BT_SAMPLED_TRACES = 5 };

typedef struct bt_sample {
  bt_trace_id trace_id;
  int64_t time_ns;
  uint64_t key; /* what it was chosen by */
} bt_sample;

typedef struct bt_samples { /* by key */
  bt_sample items[BT_SAMPLED_TRACES];
  size_t count;
} bt_samples;

typedef struct bt_measured {      /* one rule; counts are of settled traces */
  const bt_rule_definition *rule; /* borrowed */
  const char *elsewhere;          /* NULL, or the store that it is of, where another one is asked; borrowed */
  bool is_evaluated;              /* false: disabled, elsewhere, or its text does not compile: all below is 0 */
  bt_assumptions assumptions;     /* its own */
  int64_t settled_end_ns;         /* min(end, now − its settle): its counts are of the range up to here */
  int64_t known_from_ns;          /* when all of the range will have settled; not after now: it has */
  uint64_t evaluated, exercised, violated, inconclusive;
  uint64_t exercised_undecided; /* of inconclusive: those that exercised the rule */
  uint64_t provisional;         /* violations in the tail that is not settled */
  uint64_t exercised_tail;      /* traces in that tail that exercised it: at least so many */
  uint64_t exercised_going_on;  /* of going_on: those that have what exercises the rule; not in `exercised` */
  uint64_t going_on; /* traces that began in the settled part and had not ended: no verdict yet, and none is claimed */
  bool evaluated_is_exact, exercised_is_exact;
  bt_kept_traces violations_kept, exercised_kept; /* as of a replay */
  bt_policy_seen policy;
  char unseen[320]; /* names inside that no trace of the range has, in words; "": none, or that is not known */
  bt_strategy strategy;
  bt_moment first_violation, last_violation;
  bt_samples violated_sample, satisfied_sample, inconclusive_sample;
} bt_measured;
/* Exercised, not violated, decided. */
uint64_t bt_measured_satisfied(const bt_measured *measured);
/* Of the traces that exercised the rule: those whose verdict is not in its counts, because they are not settled. At
 * least so many. */
uint64_t bt_measured_unsettled(const bt_measured *measured);

enum { BT_SHARE_WHOLE = 1000000 };
/* The share that `part` is of `whole`, in millionths; BT_SHARE_WHOLE where it is all of it, and only then. */
uint64_t bt_share_millionths(uint64_t part, uint64_t whole);
/* The share of the range that is settled. */
uint64_t bt_settled_share(const bt_time_range *range, int64_t settled_end_ns);

typedef struct bt_measurement {
  bt_coverage coverage;   /* of the whole range */
  int64_t settled_end_ns; /* min(end, now − the service's settle) */
  bool is_missing;        /* something could not be read, counted or compared: reason says what */
  bool has_data;
  uint64_t
      empty_days; /* of a whole day each: the source has no trace of any service then, and nothing is shown of it */
  char reason[240];
  uint64_t replays, requests, bytes_inspected, bytes_received;
  int64_t duration_ns;
} bt_measurement;
void bt_measurement_dispose(bt_measurement *measurement);

typedef struct bt_measure_progress {
  double fraction;     /* of the range, for all rules */
  uint64_t parts_done; /* replays that have ended, of: */
  uint64_t parts;      /* a day each, for each group of rules with a window of its own */
  uint64_t requests;   /* to the source so far */
} bt_measure_progress;

typedef struct bt_measure_request {
  bt_source *source;
  bt_time_range range;
  int64_t now_ns;
  bt_assumptions assumptions; /* of the service */
  const char *tenant;         /* or NULL */
  uint64_t seed;
  size_t memory_limit_bytes; /* of one trace and of one page of reads */
  bt_memory_account *memory; /* where replays ask for room; or NULL */
  bt_priority priority;
  const bt_cancel *cancel;
  void (*progress)(void *context, const bt_measure_progress *so_far); /* or NULL */
  void *context;
} bt_measure_request;

/* Fills what the replays say into `rules`, whose `rule` and `is_evaluated` are set. BT_OK, BT_CANCELLED, BT_NO_MEMORY,
 * BT_INVALID. A source that does not answer is no error: the measurement says so. */
bt_status bt_measure(const bt_measure_request *request, bt_measured *rules, size_t count, bt_measurement *out,
                     bt_error *error) BT_MUST_CHECK;

#endif
