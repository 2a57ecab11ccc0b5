/* How the times of spans and traces are told. See span_time.h. */
#include "server/base/span_time.h"

#include <stdio.h>

#include "server/base/time_text.h"

bt_lasting bt_lasting_between(int64_t start_ns, int64_t end_ns) {
  bt_lasting lasting = {.start_ns = start_ns, .end_ns = end_ns};
  if (!end_ns)
    lasting.length = BT_LENGTH_NOT_ENDED;
  else if (!start_ns)
    lasting.length = BT_LENGTH_NO_START;
  else if (end_ns < start_ns)
    lasting.length = BT_LENGTH_BACKWARDS;
  else if (__builtin_sub_overflow(end_ns, start_ns, &lasting.length_ns))
    lasting.length_ns = INT64_MAX;
  return lasting;
}

bt_lasting bt_lasting_of_span(const bt_span *span) {
  return bt_lasting_between(span->start_ns, span->end_ns);
}

bt_lasting bt_lasting_of_trace(const bt_trace *trace) {
  int64_t start_ns = 0, end_ns = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    if (span->start_ns && (!start_ns || span->start_ns < start_ns)) start_ns = span->start_ns;
    if (span->end_ns && (!end_ns || span->end_ns > end_ns)) end_ns = span->end_ns;
  }
  return bt_lasting_between(start_ns, end_ns);
}

const char *bt_length_words(bt_length length) {
  static const char *const words[] = {[BT_LENGTH_KNOWN] = "",
                                      [BT_LENGTH_NOT_ENDED] = "not ended",
                                      [BT_LENGTH_NO_START] = "no start",
                                      [BT_LENGTH_BACKWARDS] = "ends before it starts"};
  return words[length];
}

void bt_span_time_format(int64_t time_ns, unsigned digits, char out[BT_SPAN_TIME_BYTES]) {
  enum { SECONDS_LENGTH = 19 };
  char text[40];
  if (!time_ns) {
    snprintf(out, BT_SPAN_TIME_BYTES, "time unknown");
    return;
  }
  bt_time_format(time_ns, text);
  snprintf(out, BT_SPAN_TIME_BYTES, "%.*sZ", (int)(digits ? SECONDS_LENGTH + 1 + digits : SECONDS_LENGTH), text);
}
