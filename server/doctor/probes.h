/* The probe traces of `betrace doctor`: small traces of which everything is known, as data (probes.c). Ids and times
 * follow from the name of the run, so that the probes of an earlier run can be asked about again. What is true of
 * them is what our own decoder reads of the bytes that are pushed. Thread: one. */
#ifndef BT_SERVER_DOCTOR_PROBES_H
#define BT_SERVER_DOCTOR_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_export.h"

enum {
  BT_PROBES_MAX = 64, /* sets of them are bits of a uint64_t */
  BT_PROBE_PARTS = 2,
  BT_PROBE_KEYS_MAX = 24,
  BT_PROBE_RUN_SIZE = 40, /* bytes of a run's name, with its NUL */
  BT_PROBE_LARGE = 300    /* spans of the largest */
};

/* An attribute that the probes carry with every kind of value. */
typedef struct bt_probe_key {
  bool is_of_resource;
  bt_str key;
} bt_probe_key;

typedef enum bt_probe_trait {                  /* what is special about a probe */
                              BT_PROBE_VALUE,  /* a value under every key */
                              BT_PROBE_ARRAY,  /* an array under every key */
                              BT_PROBE_FIELDS, /* kinds, statuses, names, durations */
                              BT_PROBE_SPLIT,  /* a span comes later than the others */
                              BT_PROBE_ZEROS,  /* its ids begin with zeros */
                              BT_PROBE_HALVES, /* client and server have one span id */
                              BT_PROBE_MANY,   /* BT_PROBE_LARGE spans */
                              BT_PROBE_LONG,   /* lasts far longer than the others */
                              BT_PROBE_EVENTS
} bt_probe_trait;

typedef struct bt_probe {
  const char *label; /* "int 500" */
  bt_probe_trait trait;
  bt_trace_id id;
  const bt_trace *trace; /* as it was pushed */
} bt_probe;

typedef struct bt_probes {
  bt_arena arena;
  char run[BT_PROBE_RUN_SIZE];
  int64_t base_ns; /* about when the probes happen; the long one begins BT_PROBE_LONG_NS before */
  bt_probe_key keys[BT_PROBE_KEYS_MAX];
  size_t key_count;
  bt_probe items[BT_PROBES_MAX];
  size_t count;
  bt_export_resource *resources[BT_PROBE_PARTS]; /* what is pushed first, and what follows */
  size_t resource_counts[BT_PROBE_PARTS];
  bt_buffer encoded; /* all of it; the traces point into it */
  bt_span_batch *batch;
} bt_probes;

#define BT_PROBE_LONG_NS INT64_C(20000000000)
#define BT_PROBE_SERVICE "betrace-doctor"

/* A name for a run that begins now: seconds since the epoch and six random digits, "1767225600-5f3a9c". BT_IO: the
 * system gives no random bytes. */
bt_status bt_probe_run_new(int64_t now_ns, char run[BT_PROBE_RUN_SIZE], bt_error *error) BT_MUST_CHECK;
/* False: not the name of a run. */
bool bt_probe_run_is_valid(const char *run);
/* "span.http.method" or "resource.k8s.pod.name"; *out borrows from text. False: neither. */
bool bt_probe_key_parse(bt_str text, bt_probe_key *out);

/* Makes the probes of the run. more_keys: besides those that are always there. is_near: without a trace of which a part
 * lies decades before the rest. BT_INVALID: that is no name of a run.
 * BT_NO_MEMORY. Dispose in every case. */
bt_status bt_probes_make(bt_probes *probes, const char *run, const bt_probe_key *more_keys, size_t more_count,
                         bool is_near, bt_error *error) BT_MUST_CHECK;
void bt_probes_dispose(bt_probes *probes);

/* The probe of that id as its number; count where it is none. */
size_t bt_probes_find(const bt_probes *probes, const bt_trace_id *id);
uint64_t bt_probes_all(const bt_probes *probes);                        /* as bits */
uint64_t bt_probes_with(const bt_probes *probes, bt_probe_trait trait); /* likewise */

#endif
