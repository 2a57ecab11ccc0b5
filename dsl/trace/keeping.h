/* How a trace came to be kept, as its spans say it: OpenTelemetry's consistent probability sampling writes into the
 * trace state `ot=th:HEX;rv:HEX` (1 to 14 lower-case digits, as the first of 14; 14 digits). A span is kept where its
 * randomness is not below its threshold, so a threshold T keeps it with the probability (2^56 − T) / 2^56. The
 * randomness is `rv`, or else the last 56 bits of the trace id. Samplers take these whatever the flags say; they are
 * sure to be random where flags say so (W3C Trace Context, level 2). What a span says of itself is not believed where
 * it contradicts itself. Source: opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling. Thread:
 * values, no state. */
#ifndef BT_DSL_TRACE_KEEPING_H
#define BT_DSL_TRACE_KEEPING_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace/trace.h"

#define BT_THRESHOLD_END (UINT64_C(1) << 56)

typedef enum bt_keeping {
  BT_KEEPING_UNSAID,  /* no span says how it was sampled; which is not that all are kept */
  BT_KEEPING_ONE,     /* all spans say one threshold: the trace was kept, or would have been dropped, as a whole */
  BT_KEEPING_APART,   /* several: services sample for themselves, and the trace may lack what they dropped */
  BT_KEEPING_UNCLEAR, /* some say it and others do not, or what is said is no threshold or contradicts the randomness */
} bt_keeping;

typedef struct bt_trace_keeping {
  bt_keeping kind;
  uint64_t threshold;  /* of ONE; of APART the largest */
  bool has_randomness; /* the same for all spans */
  uint64_t randomness; /* below BT_THRESHOLD_END */
  bool has_policy;     /* a policy of a tail sampler kept it (tailsampling.policy of a scope): others it dropped */
} bt_trace_keeping;

bt_trace_keeping bt_keeping_of(const bt_trace *trace);

typedef struct bt_thresholds { /* of many spans; all-zero: none says one */
  bool has_any;
  uint64_t least, most;
} bt_thresholds;
void bt_thresholds_add(bt_thresholds *to, uint64_t threshold);
void bt_thresholds_join(bt_thresholds *to, const bt_thresholds *from);
/* Those that its spans say. */
void bt_thresholds_look(bt_thresholds *to, const bt_trace *trace);

/* Of a trace that a threshold keeps: above 0, at most 1. */
double bt_threshold_probability(uint64_t threshold);
/* Whether services may have dropped spans of this trace, each for itself. largest_threshold: of all services that do
 * so; 0: that is not known, and then they may have where the trace itself shows several thresholds. */
bool bt_keeping_may_lack(const bt_trace *trace, uint64_t largest_threshold);

#endif
