/* Logs and metrics in protobuf. See other_signals.h. What could be a span with a mistake in it is taken for one. */
#include "tempo/wire/other_signals.h"

#include <stddef.h>
#include <stdint.h>

#include "tempo/wire/wire.h"

#define BIT(number)  (1u << (number))
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The first field of a number that has bytes. */
static bool find_first(bt_str message, uint32_t number, bt_str *out) {
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, message);
  while (bt_wire_next(&wire, &field)) {
    if (field.number != number || field.type != BT_WIRE_BYTES) continue;
    *out = field.bytes;
    return true;
  }
  return false;
}

/* A LogRecord. Its times, its severity and its flags are of types that these numbers do not have in a span. */
static bool is_log(bt_str record) {
  enum { NO_FIELD = 3 };
  static const uint8_t types[] = {NO_FIELD,      BT_WIRE_FIXED64, BT_WIRE_VARINT, BT_WIRE_BYTES,   NO_FIELD,
                                  BT_WIRE_BYTES, BT_WIRE_BYTES,   BT_WIRE_VARINT, BT_WIRE_FIXED32, BT_WIRE_BYTES,
                                  BT_WIRE_BYTES, BT_WIRE_FIXED64, BT_WIRE_BYTES};
  const uint32_t of_logs_alone = BIT(1) | BIT(2) | BIT(8) | BIT(11);
  uint32_t seen = 0;
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, record);
  while (bt_wire_next(&wire, &field)) {
    if (field.number >= COUNT(types) || types[field.number] != field.type) return false;
    seen |= BIT(field.number);
  }
  return !wire.problem && (seen & of_logs_alone) != 0;
}

enum { METRIC_GAUGE = 5, METRIC_SUM = 7, METRIC_HISTOGRAM = 9, METRIC_EXPONENTIAL = 10, METRIC_SUMMARY = 11 };

/* The points of a metric. Where a metric has a histogram, a span has an attribute: that has no number in it. */
static bool are_points(bt_str data, uint32_t number) {
  uint32_t seen = 0;
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, data);
  while (bt_wire_next(&wire, &field)) {
    if (field.number > 3 || field.type != (field.number == 1 ? BT_WIRE_BYTES : BT_WIRE_VARINT)) return false;
    seen |= BIT(field.number);
  }
  return !wire.problem && seen & BIT(1) && (number != METRIC_HISTOGRAM || seen & BIT(2));
}

/* A Metric. It has a name and a description where a span has its ids. */
static bool is_metric(bt_str record) {
  const uint32_t data =
      BIT(METRIC_GAUGE) | BIT(METRIC_SUM) | BIT(METRIC_HISTOGRAM) | BIT(METRIC_EXPONENTIAL) | BIT(METRIC_SUMMARY);
  const uint32_t texts = BIT(1) | BIT(2) | BIT(3) | BIT(12);
  enum { TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8 };
  size_t name = 0, description = 0, points = 0;
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, record);
  while (bt_wire_next(&wire, &field)) {
    if (field.type != BT_WIRE_BYTES || field.number > 12 || !((data | texts) & BIT(field.number))) return false;
    if (field.number == 1) name = field.bytes.len;
    if (field.number == 2) description = field.bytes.len;
    if (!(data & BIT(field.number))) continue;
    if (!are_points(field.bytes, field.number)) return false;
    points++;
  }
  bool has_ids = name == TRACE_ID_BYTES && description == SPAN_ID_BYTES;
  return !wire.problem && name && points == 1 && !has_ids;
}

bool bt_holds_other_signal(bt_str message) {
  bt_str resource, scope, record;
  return find_first(message, 1, &resource) && find_first(resource, 2, &scope) && find_first(scope, 2, &record) &&
         (is_log(record) || is_metric(record));
}
