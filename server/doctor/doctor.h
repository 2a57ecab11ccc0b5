/* `betrace doctor`: pushes probe traces (probes.h), waits until the store shows them, asks what our planner and our
 * reads would ask, and compares what comes with what is true of the probes. The result is a list of facts, each of
 * which holds, does not, or could not be found out. Thread: one; the requests go through the client's. */
#ifndef BT_SERVER_DOCTOR_DOCTOR_H
#define BT_SERVER_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/doctor/exchange.h"
#include "server/doctor/probes.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

typedef struct bt_store_probes bt_store_probes;
/* Of a kind of store, by the name of its source; NULL: doctor does not know that kind. */
const bt_store_probes *bt_store_probes_of(const char *name);
/* False: of such a store facts can be found out without a way to push to it. */
bool bt_doctor_needs_probes(const char *name);

typedef struct bt_doctor_options {
  bt_http_client *client;
  bt_source *store;             /* the caller sets its pause between attempts */
  bt_source *small_store;       /* the same store, whose answers are taken for full with BT_DOCTOR_SMALL_LIMIT traces */
  bt_exchanges *exchanges;      /* the client's record */
  bt_exporter_options exporter; /* its url NULL or "", and run NULL: nothing is asked that needs probes */
  const char *tenant;
  const char *run; /* ask about the probes of that earlier run and push nothing; NULL: a new one */
  const bt_probe_key *keys;
  size_t key_count;
  int64_t wait_ns;        /* at most, until the probes show */
  int64_t again_after_ns; /* ask everything once more so long after the first time; 0: not */
  const bt_cancel *cancel;
  /* One line about what is under way, in place of the one before. */
  void (*progress)(void *context, const char *line);
  void *progress_context;
} bt_doctor_options;

enum { BT_DOCTOR_SMALL_LIMIT = 6, BT_DOCTOR_PASSES = 2, BT_DOCTOR_KEPT_FINDINGS = 100 };

typedef enum bt_fact_outcome { /* the worse the higher */
                               BT_FACT_NOT_ASKED,
                               BT_FACT_HOLDS,
                               BT_FACT_UNKNOWN,
                               BT_FACT_FAILS
} bt_fact_outcome;

typedef struct bt_fact_finding { /* one thing that is not as expected; texts in the report's arena */
  const char *text;
  const char *rule, *query; /* NULL: of none */
} bt_fact_finding;

typedef struct bt_fact_seen { /* by one pass */
  bt_fact_outcome outcome;
  const char *seen, *means; /* means: NULL where it holds */
  bt_fact_finding *findings;
  size_t finding_count, finding_capacity; /* those that are kept */
  size_t finding_total;
  bool is_final; /* wrong rather than late: asking again does not undo it */
} bt_fact_seen;

typedef struct bt_fact {
  const char *id, *title, *expected;
  bt_fact_seen seen[BT_DOCTOR_PASSES];
} bt_fact;

/* A trace that is pushed with times at which a store may not show it at once, or never. It is no fact that holds or
 * does not: replays call unsettled what such times can hide, and the report says how long that is here. */
typedef struct bt_odd_probe {
  const char *id, *title; /* "age-10m", "a span that comes 10 min late" */
  bt_trace_id trace_id;
  int64_t start_ns;         /* of the span that is searched for */
  bool is_pushed;           /* in this run, or in the one that is asked about again: */
  int64_t pushed_ns;        /* when, or about when */
  int64_t found_after_ns;   /* since the push, by a search over the span's own time; −1: by none so far */
  int64_t reached_after_ns; /* likewise, by one from that time up to now */
  bool is_by_id;            /* it is there, whatever searches show */
  char problem[200];        /* why the last search was not answered; "": it was */
} bt_odd_probe;
enum { BT_ODD_PROBES = 6 };

typedef struct bt_doctor_report {
  bt_arena arena;
  bt_probes probes;
  const bt_probe_key *more_keys; /* borrowed: the options' */
  size_t more_key_count;
  int64_t started_ns, finished_ns;
  int64_t pushed_ns;                   /* 0: nothing was pushed */
  int64_t passes_ns[BT_DOCTOR_PASSES]; /* when each began; 0: it did not */
  bt_fact *facts;
  size_t count, capacity;
  bt_odd_probe odd[BT_ODD_PROBES];
  int64_t odd_looked_ns;        /* for how long after the push they were looked for; 0: not at all */
  const bt_store_probes *store; /* of which kind it is; NULL: nothing was asked */
  char version[80];             /* of the store, as it says; "" when it does not */
  bt_source_about about;        /* whether that is one of the versions that were checked */
  char content_type[64];        /* of its answers to searches */
  int64_t hidden_tail_ns, max_block_ns, max_range_ns; /* of its configuration; −1: not known */
  int64_t most_traces;                                /* of an answer; −1: not known */
  int64_t cut_bytes;                                  /* what is left of a longer text; 0: all of it; −1: not known */
} bt_doctor_report;

/* BT_OK: the report is whole, whatever it says. Else nothing could be found out, and the error says why (a receiver
 * that does not take the probes, a store that does not answer). BT_UNAVAILABLE: it does not answer, or shows no probe.
 * BT_REFUSED: the receiver does not take them. BT_INVALID: doctor does not know this kind of store, options->run is no
 * name of a run, or the receiver's address or headers are wrong. BT_IO: the system gives no random bytes. BT_CANCELLED,
 * BT_NO_MEMORY. Dispose in every case. */
bt_status bt_doctor_run(const bt_doctor_options *options, bt_doctor_report *report, bt_error *error) BT_MUST_CHECK;
void bt_doctor_report_dispose(bt_doctor_report *report);

/* The worst of its passes. */
bt_fact_outcome bt_fact_outcome_of(const bt_fact *fact);
/* The pass that says so. */
const bt_fact_seen *bt_fact_worst(const bt_fact *fact);
bt_fact_outcome bt_doctor_report_outcome(const bt_doctor_report *report);
size_t bt_doctor_report_count(const bt_doctor_report *report, bt_fact_outcome outcome);
const char *bt_fact_outcome_name(bt_fact_outcome outcome); /* "holds", "fails", "unknown", "not_asked" */

/* For people: a table with what does not hold in detail. styles: escape sequences, or "". */
typedef struct bt_doctor_style {
  const char *good, *bad, *doubt, *dim, *bold, *off;
  unsigned width; /* columns */
} bt_doctor_style;
void bt_doctor_report_print(const bt_doctor_report *report, const bt_doctor_style *style, bt_buffer *out);

#endif
