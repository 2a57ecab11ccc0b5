/* Sample traces of a small shop, the same for the same seed: what `betrace generate` writes, the demo replays, and the
 * end-to-end tests know the truth of. Three kinds of wrong traces are planted among right ones that look alike. Thread:
 * no state. */
#ifndef BT_SERVER_SAMPLE_TRACES_H
#define BT_SERVER_SAMPLE_TRACES_H

#include "tempo/wire/otlp_export.h"

enum { BT_SAMPLE_SERVICES = 5, BT_SAMPLE_MAX_SPANS = 12, BT_SAMPLE_MAX_ATTRIBUTES = 4 };
extern const char *const bt_sample_services[BT_SAMPLE_SERVICES]; /* service.name of each */

typedef enum bt_sample_fault {
  BT_SAMPLE_FAULTLESS,
  BT_SAMPLE_SLOW_QUERY, /* db.query over 1 s without a retry */
  BT_SAMPLE_EU_PAYMENT, /* payment.process failed for a user of eu-west-1 */
  BT_SAMPLE_UNAUDITED,  /* PII was read and audit.log is missing */
  BT_SAMPLE_FAULTS
} bt_sample_fault;
extern const char *const bt_sample_fault_names[BT_SAMPLE_FAULTS];

typedef struct bt_sample_options {
  uint64_t seed;
  uint64_t traces;     /* how many there are in all */
  uint64_t violations; /* planted of each fault, spread evenly; at most a tenth of traces */
  int64_t start_ns, end_ns;
} bt_sample_options;

typedef struct bt_sample_span {
  bt_export_span span;
  uint32_t service;
  bool is_late; /* belongs into a second push: of every 20th trace one span is */
  bt_attribute attributes[BT_SAMPLE_MAX_ATTRIBUTES];
} bt_sample_span;

typedef struct bt_sample_trace {
  bt_sample_fault fault;
  bt_sample_span spans[BT_SAMPLE_MAX_SPANS]; /* span.attributes points into attributes: use it where it lies */
  size_t span_count;
} bt_sample_trace;

/* Trace number `index` of 0 … traces − 1. */
void bt_sample_trace_make(const bt_sample_options *options, uint64_t index, bt_sample_trace *out);

#endif
