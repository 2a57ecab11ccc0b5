/* Times as Jaeger and Zipkin have them: microseconds since 1970, and how long it took in place of an end. Thread: no
 * state. Only the decoders of tempo/ include this. Errors: BT_INVALID, it is no such number; BT_NO_MEMORY. */
#ifndef BT_TEMPO_WIRE_MICRO_TIME_H
#define BT_TEMPO_WIRE_MICRO_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/otlp_json.h"

typedef struct bt_micro_times {
  int64_t start_ns, duration_ns;
  bool has_duration;
} bt_micro_times; /* all-zero: neither is known */

bt_status bt_micro_time_read(bt_json_place *place, int64_t *out_ns) BT_MUST_CHECK;
bt_status bt_micro_duration_read(bt_json_place *place, bt_micro_times *times) BT_MUST_CHECK;
/* A span without a start or a duration has no end. BT_INVALID: it ends beyond the year 2262. */
bt_status bt_micro_times_set(bt_json_place *place, const bt_micro_times *times, bt_span *span) BT_MUST_CHECK;

#endif
