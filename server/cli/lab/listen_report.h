/* What rules say of the traces that a test sent: a drawing of each trace that violates one, counts for each rule and
 * each test, and documents for CI systems. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_LISTEN_REPORT_H
#define BT_SERVER_CLI_LAB_LISTEN_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/data_notes.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"
#include "server/cli/judge.h"
#include "server/cli/lab/otlp_receiver.h"
#include "server/cli/line_store.h"
#include "server/cli/replay_options.h"
#include "server/replay/given_families.h"

typedef struct bt_listen_options {
  bt_replay_options shared; /* rules, assumptions, --json */
  const char **services;    /* traces with a span of one of these; none: all */
  size_t service_count;
  bool is_strict;
  const char *save;           /* file; NULL: none */
  char *junit, *sarif, *json; /* likewise; owned */
  bool for_github;
} bt_listen_options;

typedef struct bt_listen_rule {
  uint64_t counts[BT_NOT_APPLICABLE + 1]; /* traces by verdict */
  bt_buffer messages;                     /* a line for each violation */
  bt_data_notes *notes;                   /* what it met in the data */
  bt_buffer noted;                        /* in the end: a line for each note */
  bool may_be_exercised;                  /* some trace exercised it, or may have */
  bt_buffer idle;                         /* why nothing exercised it; empty: something did, or nobody looked */
  bool lacks_names;                       /* it has no `when`, and none of its names came */
} bt_listen_rule;

typedef struct bt_listen_found { /* a violation */
  bt_trace_id trace_id;
  int64_t start_ns; /* of the trace */
  size_t rule;
  json_t *violation;
  char *message;
} bt_listen_found;

typedef struct bt_listen_drawn { /* a trace */
  bt_trace_id id;
  int64_t start_ns;
  bt_buffer text;
} bt_listen_drawn;

enum { BT_LISTEN_DRAWN_MAX = 20 };

typedef struct bt_listen_report { /* bt_listen_report_dispose */
  const bt_listen_options *options;
  bt_received received;
  const char *open_end; /* why more may have come; NULL: all was quiet */
  int64_t ran_ns;       /* that the command took; 0: there was none, or it has not ended */
  bt_judge *judge;
  bt_given_trace *linked; /* traces that links may decide, and that were not judged yet */
  size_t linked_count, linked_capacity;
  bt_listen_rule *rules;
  bt_listen_found *found; /* once all are there, in the order of the traces: by start, then id */
  size_t found_count, found_capacity;
  bt_listen_drawn drawn[BT_LISTEN_DRAWN_MAX]; /* the first in that order */
  size_t drawn_count;
  bt_line_store kept;         /* what is saved, until it is written in that order */
  json_t *notes;              /* of the rules about the data */
  json_t *unexercised;        /* as in an answer of eval, of up to BT_LISTEN_EXPLAINED rules (listen_idle.h) */
  json_t *violations, *tests; /* tests: name -> violated traces, of traces that name a test; by name in the end */
  uint64_t traces;
  bt_sampled_traces sampled; /* how these were kept */
  uint64_t left_out;         /* traces without a span of the services */
  int saved;                 /* file descriptor; -1: nothing is saved */
} bt_listen_report;

/* Evaluates all that is in the files, draws what is violated, and writes what the options ask for. BT_INVALID, BT_IO: a
 * file cannot be read or written. BT_LIMIT: a trace is too large. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_listen_report_make(bt_listen_report *report, const char *const *files, size_t file_count,
                                bt_error *error) BT_MUST_CHECK;
/* The closing lines, or with --json the whole document. BT_IO: a file cannot be written. BT_NO_MEMORY. */
bt_status bt_listen_report_print(bt_listen_report *report, int command_code, bt_error *error) BT_MUST_CHECK;
/* BT_EXIT_FINE, BT_EXIT_FOUND or BT_EXIT_UNKNOWN. */
int bt_listen_report_code(const bt_listen_report *report);
void bt_listen_report_dispose(bt_listen_report *report);

#endif
