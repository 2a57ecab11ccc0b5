/* Writes the Prometheus text format (version 0.0.4): families with their HELP and TYPE, samples with escaped labels.
 * The caller decides what a metric is called; this code writes names and labels right. Thread: no state. */
#ifndef BT_SERVER_METRICS_EXPOSITION_H
#define BT_SERVER_METRICS_EXPOSITION_H

#include <stdint.h>

#include "dsl/base/text.h"
#include "server/metrics/histogram.h"

#define BT_EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef struct bt_label {
  const char *name; /* a literal; NULL ends a list */
  const char *value;
} bt_label;

/* Begins a family; each once. type: "counter", "gauge" or "histogram". */
void bt_expose_family(bt_buffer *out, const char *name, const char *type, const char *help);
/* One sample. labels may be NULL. Whole numbers are written in full. */
void bt_expose_count(bt_buffer *out, const char *name, const bt_label *labels, uint64_t value);
void bt_expose_number(bt_buffer *out, const char *name, const bt_label *labels, double value);
/* name_bucket, name_sum and name_count, in seconds. */
void bt_expose_histogram(bt_buffer *out, const char *name, const bt_label *labels, const bt_histogram *histogram,
                         const int64_t *bounds_ns);

#endif
