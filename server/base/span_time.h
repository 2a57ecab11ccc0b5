/* How the times of spans and traces are told. A span has 0 where it has no time: an end of 0 is that of a span which
 * never ended, and a device without a clock may give no start. Such a time is not known, and never 1970; what lies
 * between it and another one has no length. (For rules such a length is 0: bt_span_duration_ns in dsl/trace/trace.h.)
 * Thread: no state. */
#ifndef BT_SERVER_BASE_SPAN_TIME_H
#define BT_SERVER_BASE_SPAN_TIME_H

#include <stdint.h>

#include "dsl/trace/trace.h"

typedef enum bt_length {
  BT_LENGTH_KNOWN,
  BT_LENGTH_NOT_ENDED,
  BT_LENGTH_NO_START,
  BT_LENGTH_BACKWARDS /* it ends before it starts */
} bt_length;

typedef struct bt_lasting {
  int64_t start_ns, end_ns; /* 0: not known */
  bt_length length;
  int64_t length_ns; /* of BT_LENGTH_KNOWN alone, and not below 0 */
} bt_lasting;

bt_lasting bt_lasting_between(int64_t start_ns, int64_t end_ns);
bt_lasting bt_lasting_of_span(const bt_span *span);
/* From the earliest start that is known to the latest end. */
bt_lasting bt_lasting_of_trace(const bt_trace *trace);

/* Why there is no length, in words: "not ended", "ends before it starts", "no start". "": there is one. */
const char *bt_length_words(bt_length length);

enum { BT_SPAN_TIME_BYTES = 40 };
/* "2026-01-11T14:23:17Z" with so many digits of a second's fraction (0 to 9), or "time unknown". */
void bt_span_time_format(int64_t time_ns, unsigned digits, char out[BT_SPAN_TIME_BYTES]);

#endif
