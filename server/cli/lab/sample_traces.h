/* Sample traces, the same for the same seed: what `betrace generate` writes, the demo replays, and the end-to-end tests
 * know the truth of. A scenario is a story that the traces tell; docs/TUTORIAL.md has what BeTrace says of each.
 * Thread: no state. */
#ifndef BT_SERVER_SAMPLE_TRACES_H
#define BT_SERVER_SAMPLE_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/trace/trace.h"
#include "tempo/wire/otlp_export.h"

enum { BT_SAMPLE_MAX_SPANS = 48, BT_SAMPLE_MAX_ATTRIBUTES = 6, BT_SAMPLE_MAX_LINKS = 1 };

typedef enum bt_sample_scenario {
  BT_SAMPLE_ROLLOUT,   /* a shop: 1.4.3 comes to one region in the last quarter of the range and breaks two rules */
  BT_SAMPLE_NOISE,     /* the same rollout, and a few faults at random that have nothing to do with it */
  BT_SAMPLE_NONE,      /* one version, faults at even distances: what tests count */
  BT_SAMPLE_MESSAGING, /* orders through a queue: producers and consumers in traces of their own, with links */
  BT_SAMPLE_AGENT,     /* an assistant that uses tools, by OpenTelemetry's conventions for generative AI */
  BT_SAMPLE_SCENARIOS
} bt_sample_scenario;
extern const char *const bt_sample_scenario_names[BT_SAMPLE_SCENARIOS];

/* What is wrong with a trace: bits, so that it can be wrong in two ways. */
typedef enum bt_sample_fault {
  BT_SAMPLE_SLOW_QUERY,     /* db.query over 1 s without a retry */
  BT_SAMPLE_EU_PAYMENT,     /* payment.process failed for a user of eu-west-1 */
  BT_SAMPLE_UNAUDITED,      /* PII was read and audit.log is missing */
  BT_SAMPLE_NO_DEAD_LETTER, /* a message failed and nothing was put aside */
  BT_SAMPLE_LOST,           /* a message was published and never processed: no rule about one trace sees it */
  BT_SAMPLE_UNAPPROVED,     /* a tool that changes things ran without an approval */
  BT_SAMPLE_RUNAWAY,        /* an agent asked its model more than 25 times */
  BT_SAMPLE_FAULTS
} bt_sample_fault;

/* The rule that finds it: the seed's, or one of distribution/packs. */
extern const char *const bt_sample_fault_names[BT_SAMPLE_FAULTS];
/* Which faults a scenario can hold: bits. */
extern const unsigned bt_sample_scenario_faults[BT_SAMPLE_SCENARIOS];

typedef struct bt_sample_options {
  bt_sample_scenario scenario;
  uint64_t seed;
  uint64_t traces;     /* how many there are in all */
  uint64_t violations; /* BT_SAMPLE_NONE: planted of each fault, spread evenly; at most a tenth of traces */
  int64_t start_ns, end_ns;
} bt_sample_options;

/* Who made a span: names that live as long as the program. region: NULL, no such attribute. */
typedef struct bt_sample_origin {
  const char *service, *version, *region;
} bt_sample_origin;

typedef struct bt_sample_span {
  bt_export_span span;
  bt_sample_origin origin;
  bool is_late; /* belongs into a second push: of every 20th trace one span is */
  bt_attribute attributes[BT_SAMPLE_MAX_ATTRIBUTES];
  bt_link links[BT_SAMPLE_MAX_LINKS];
} bt_sample_span;

typedef struct bt_sample_trace {
  unsigned faults;                           /* bits of bt_sample_fault */
  bt_sample_span spans[BT_SAMPLE_MAX_SPANS]; /* span.attributes and links point into this: use it where it lies */
  size_t span_count;                         /* 0: there is no trace of this number, a lost message has no consumer */
} bt_sample_trace;

/* Trace number `index` of 0 … traces − 1. */
void bt_sample_trace_make(const bt_sample_options *options, uint64_t index, bt_sample_trace *out);

/* When the rollout of a scenario begins, and how long it takes until all instances are new: a quarter of the range
 * before its end, and a 36th of it (of a day: 6 h and 40 min). */
int64_t bt_sample_rollout_start(const bt_sample_options *options);
int64_t bt_sample_rollout_length(const bt_sample_options *options);

#endif
