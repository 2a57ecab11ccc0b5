/* What the makers of sample traces share: numbers that depend on the seed and the trace alone, so that any trace can be
 * made by itself, and spans with attributes. Private to sample_*.c. Thread: no state. */
#ifndef BT_SERVER_SAMPLE_MAKER_H
#define BT_SERVER_SAMPLE_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace/trace.h"
#include "server/cli/lab/sample_traces.h"

#define BT_SAMPLE_MS INT64_C(1000000)

typedef struct bt_sample_maker {
  uint64_t state; /* of splitmix64 */
  bt_sample_trace *trace;
  bt_trace_id trace_id;
  int64_t start_ns;
  const char *version, *region; /* of all services of this trace */
} bt_sample_maker;

uint64_t bt_sample_next(bt_sample_maker *m);
int64_t bt_sample_between(bt_sample_maker *m, int64_t low, int64_t high); /* from low up to and without high */
bool bt_sample_happens(bt_sample_maker *m, unsigned percent);

/* Begins trace `index` at a moment of its own slot of the range. */
void bt_sample_begin(bt_sample_maker *m, const bt_sample_options *options, uint64_t index, bt_sample_trace *out);

/* at_ns, duration_ns: from the start of the trace. Owned by the trace; never NULL. */
bt_sample_span *bt_sample_add_span(bt_sample_maker *m, const char *service, const char *name, bt_span_kind kind,
                                   const bt_sample_span *parent, int64_t at_ns, int64_t duration_ns);
void bt_sample_fail(bt_sample_span *span, const char *message);

void bt_sample_set_string(bt_sample_span *span, const char *key, const char *value);
void bt_sample_set_int(bt_sample_span *span, const char *key, int64_t value);
void bt_sample_set_double(bt_sample_span *span, const char *key, double value);

/* Whether the instance that one asks at a moment is a new one, of 8 that are replaced one by one during the rollout. */
bool bt_sample_is_new(bt_sample_maker *m, const bt_sample_options *options, int64_t at_ns);

void bt_sample_make_shop(bt_sample_maker *m, const bt_sample_options *options, uint64_t index);
void bt_sample_make_message(bt_sample_maker *m, const bt_sample_options *options, uint64_t index);
void bt_sample_make_agent(bt_sample_maker *m, const bt_sample_options *options, uint64_t index);

#endif
