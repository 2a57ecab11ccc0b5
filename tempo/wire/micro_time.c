/* Microseconds. See micro_time.h. */
#include "tempo/wire/micro_time.h"

enum { NS_OF_MICRO = 1000 };

static bt_status read_micros(bt_json_place *place, const char *expected, int64_t *out_ns) {
  int64_t micros = 0;
  bt_status status = bt_json_read_int64(place, expected, &micros);
  bool is_time = micros >= 0 && micros <= INT64_MAX / NS_OF_MICRO;
  if (status == BT_OK && !is_time) {
    bt_json_stop(&place->json, expected);
    return bt_json_place_status(place);
  }
  *out_ns = status == BT_OK ? micros * NS_OF_MICRO : 0;
  return status;
}

bt_status bt_micro_time_read(bt_json_place *place, int64_t *out_ns) {
  return read_micros(place, "expected microseconds since 1970, from 0 to 9223372036854775", out_ns);
}

bt_status bt_micro_duration_read(bt_json_place *place, bt_micro_times *times) {
  times->has_duration = true;
  return read_micros(place, "expected a duration in microseconds, from 0 to 9223372036854775", &times->duration_ns);
}

bt_status bt_micro_times_set(bt_json_place *place, const bt_micro_times *times, bt_span *span) {
  span->start_ns = times->start_ns;
  span->end_ns = 0;
  if (!times->start_ns || !times->has_duration) return BT_OK;
  if (times->duration_ns > INT64_MAX - times->start_ns) {
    bt_json_stop(&place->json, "expected a span that ends before the year 2262");
    return bt_json_place_status(place);
  }
  span->end_ns = times->start_ns + times->duration_ns;
  return BT_OK;
}
