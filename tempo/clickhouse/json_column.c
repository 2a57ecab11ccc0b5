/* Attributes out of a JSON column, as RowBinary has it: paths, each with a type and a value. Types are ClickHouse's, in
 * their binary form. What the server took for a date was a text, in whatever form, and an integer may have been the
 * text of a larger double. Thread: no state. */
#include <assert.h>
#include <string.h>

#include "dsl/trace/text_number.h"
#include "dsl/trace/untyped_text.h"
#include "tempo/clickhouse/row_attributes.h"
#include "tempo/wire/span_batch.h"

enum {
  MOST_DEPTH = 64, /* of lists in lists */
  /* Codes of types. */
  TYPE_NOTHING = 0x00,
  TYPE_UINT8 = 0x01,
  TYPE_UINT64 = 0x04,
  TYPE_INT8 = 0x07,
  TYPE_INT64 = 0x0A,
  TYPE_FLOAT64 = 0x0E,
  TYPE_DATE = 0x0F,
  TYPE_DATE32 = 0x10,
  TYPE_DATETIME = 0x11,
  TYPE_DATETIME_ZONE = 0x12,
  TYPE_DATETIME64 = 0x13,
  TYPE_DATETIME64_ZONE = 0x14,
  TYPE_STRING = 0x15,
  TYPE_ARRAY = 0x1E,
  TYPE_TUPLE = 0x1F,
  TYPE_NULLABLE = 0x23,
  TYPE_DYNAMIC = 0x2B,
  TYPE_BOOL = 0x2D,
  TYPE_JSON = 0x30
};

/* A value that is being read, and where it stands. */
typedef struct json_value {
  bt_span_rows *rows;
  bt_row_reader *reader;
  bool is_inexact; /* something in a list is */
} json_value;

static bool stop_at_type(json_value *v, const char *what) {
  return bt_row_stop_at(v->rows, "an attribute of a type", bt_str_from(what));
}

/* ---- types ---- */

/* A JSON column that has types of its own, or leaves paths out, is not read. */
static bool pass_json_type(json_value *v, bt_row_reader *type) {
  (void)bt_row_byte(type); /* how it is stored */
  (void)bt_row_number(type);
  (void)bt_row_byte(type); /* paths, and types of a path */
  bool is_plain = bt_row_byte(type) == 0 && bt_row_byte(type) == 0 && bt_row_byte(type) == 0;
  return type->failed || is_plain || stop_at_type(v, "JSON with types of its own");
}

static bool pass_type(json_value *v, bt_row_reader *type, unsigned depth);

static bool pass_tuple_type(json_value *v, bt_row_reader *type, unsigned depth) {
  size_t count = bt_row_count(type);
  bool is_read = true;
  for (size_t i = 0; is_read && i < count && !type->failed; i++) is_read = pass_type(v, type, depth);
  return is_read;
}

static bool pass_type(json_value *v, bt_row_reader *type, unsigned depth) {
  if (depth == MOST_DEPTH) return stop_at_type(v, "lists in lists in lists");
  uint8_t code = bt_row_byte(type);
  switch (code) {
  case TYPE_DATETIME64_ZONE: (void)bt_row_byte(type); __attribute__((fallthrough));
  case TYPE_DATETIME_ZONE: (void)bt_row_text(type); return true;
  case TYPE_DATETIME64:
  case TYPE_DYNAMIC: (void)bt_row_byte(type); return true;
  case TYPE_ARRAY:
  case TYPE_NULLABLE: return pass_type(v, type, depth + 1);
  case TYPE_TUPLE: return pass_tuple_type(v, type, depth + 1);
  case TYPE_JSON: return pass_json_type(v, type);
  default: return true; /* a byte; what is no type is refused where its value is read */
  }
}

/* ---- scalars ---- */

static void take_integer(json_value *v, int64_t integer, bt_value *out) {
  *out = (bt_value){.type = BT_VALUE_INT, .integer = integer};
  if (!bt_may_be_rounded(integer)) return;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = (double)integer, .is_inexact = true};
  v->is_inexact = true;
}

/* In a list it may have been an integer, and beyond 2^53 the double is one of several. */
static void read_double(json_value *v, bool is_in_list, bt_value *out) {
  static const double all_exact = 9007199254740992;
  double decimal = bt_row_double(v->reader);
  bool is_inexact = is_in_list && (decimal >= all_exact || decimal <= -all_exact);
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal, .is_inexact = is_inexact};
  v->is_inexact = v->is_inexact || is_inexact;
}

/* The lowest byte first. */
static void read_integer(json_value *v, unsigned bytes, bool has_sign, bt_value *out) {
  assert(bytes >= 1 && bytes <= sizeof(uint64_t)); /* of the types that are read here */
  uint64_t bits = 0;
  for (unsigned i = 0; i < bytes; i++) bits |= (uint64_t)bt_row_byte(v->reader) << (8 * i);
  unsigned unused = 64 - 8 * bytes;
  if (has_sign)
    take_integer(v, (int64_t)(bits << unused) >> unused, out);
  else if (bits <= INT64_MAX)
    take_integer(v, (int64_t)bits, out);
  else
    *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = (double)bits}; /* no integer of a span is that large */
}

/* Digits that fit no integer of the column are kept as a text. */
static bool read_string(json_value *v, bt_value *out) {
  bt_str text;
  bt_value number;
  if (!bt_row_take_text(v->rows, v->reader, &text)) return false;
  *out = (bt_value){.type = BT_VALUE_STRING, .string = text};
  bool is_long = text.len >= 19 && bt_text_number(text, &number) && number.type == BT_VALUE_DOUBLE;
  out->is_untyped = is_long;
  v->is_inexact = v->is_inexact || is_long;
  return true;
}

static bool read_date(json_value *v, unsigned bytes, bt_value *out) {
  for (unsigned i = 0; i < bytes; i++) (void)bt_row_byte(v->reader);
  *out = (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("a date, not as it was sent"), .is_inexact = true};
  v->is_inexact = true;
  return true;
}

/* ---- values ---- */

static bool read_dynamic(json_value *v, bt_value *out, unsigned depth);
static bool read_typed(json_value *v, bt_row_reader *type, bt_value *out, unsigned depth);

/* Of a list with something inexact in it nothing is known, not even whether its values are of one type. */
static void keep_first_inexact(bt_value_list *list) {
  size_t at = 0;
  while (at < list->count && !bt_value_is_untyped(&list->items[at])) at++;
  if (at == list->count) return; /* it is deeper inside: the list is a list of lists */
  list->items[0] = list->items[at];
  list->count = 1;
}

static bool finish_list(json_value *v, bt_value *out) {
  bt_build *build = &v->rows->batch->build;
  if (v->is_inexact) keep_first_inexact(&build->values);
  bt_status status = bt_build_array(build, out, &v->rows->error);
  if (v->is_inexact && out->type == BT_VALUE_ARRAY) out->is_inexact = true;
  return status == BT_OK || bt_row_stop(v->rows, status);
}

static void begin_list(json_value *v, bt_value *out, unsigned depth) {
  *out = (bt_value){.type = BT_VALUE_OTHER};
  if (depth > 0) return;
  v->rows->batch->build.values.count = 0;
  v->is_inexact = false;
}

/* Elements of the outermost list are kept; of lists within it nothing is. */
static bool read_element(json_value *v, bt_row_reader *type, unsigned depth) {
  bt_value item;
  if (!read_typed(v, type, &item, depth + 1)) return false;
  if (depth > 0) return true;
  bt_status status = bt_build_add_value(&v->rows->batch->build, &item, &v->rows->error);
  return status == BT_OK || bt_row_stop(v->rows, status);
}

static bool read_list(json_value *v, bt_row_reader *type, bt_value *out, unsigned depth) {
  size_t count = bt_row_count(v->reader);
  begin_list(v, out, depth);
  for (size_t i = 0; i < count && !v->reader->failed; i++) {
    bt_row_reader again = *type;
    if (!read_element(v, &again, depth)) return false;
  }
  return pass_type(v, type, depth + 1) && (depth > 0 || finish_list(v, out));
}

/* A list of mixed types, in older servers. */
static bool read_tuple(json_value *v, bt_row_reader *type, bt_value *out, unsigned depth) {
  size_t count = bt_row_count(type);
  begin_list(v, out, depth);
  for (size_t i = 0; i < count && !v->reader->failed; i++)
    if (!read_element(v, type, depth)) return false;
  return depth > 0 || finish_list(v, out);
}

static bool read_object(json_value *v, bt_row_reader *type, bt_value *out, unsigned depth) {
  if (!pass_json_type(v, type)) return false;
  size_t count = bt_row_count(v->reader);
  for (size_t i = 0; i < count && !v->reader->failed; i++) {
    (void)bt_row_text(v->reader);
    if (!read_dynamic(v, out, depth + 1)) return false;
  }
  *out = (bt_value){.type = BT_VALUE_OTHER};
  return true;
}

static bool read_nullable(json_value *v, bt_row_reader *type, bt_value *out, unsigned depth) {
  bool is_null = bt_row_byte(v->reader) != 0;
  *out = (bt_value){.type = BT_VALUE_MISSING};
  return is_null ? pass_type(v, type, depth + 1) : read_typed(v, type, out, depth + 1);
}

static bool read_zoned_date(json_value *v, bt_row_reader *type, uint8_t code, bt_value *out) {
  bool is_long = code == TYPE_DATETIME64 || code == TYPE_DATETIME64_ZONE;
  if (is_long) (void)bt_row_byte(type); /* digits of a second */
  if (code == TYPE_DATETIME_ZONE || code == TYPE_DATETIME64_ZONE) (void)bt_row_text(type);
  return read_date(v, is_long ? 8 : 4, out);
}

/* A value of the type at `type`, which is passed over. */
static bool read_typed(json_value *v, bt_row_reader *type, bt_value *out, unsigned depth) {
  if (depth >= MOST_DEPTH) return stop_at_type(v, "lists in lists in lists");
  uint8_t code = bt_row_byte(type);
  *out = (bt_value){.type = BT_VALUE_MISSING};
  if (code >= TYPE_UINT8 && code <= TYPE_UINT64) return read_integer(v, 1U << (code - TYPE_UINT8), false, out), true;
  if (code >= TYPE_INT8 && code <= TYPE_INT64) return read_integer(v, 1U << (code - TYPE_INT8), true, out), true;
  switch (code) {
  case TYPE_NOTHING: return true;
  case TYPE_FLOAT64: read_double(v, depth > 0, out); return true;
  case TYPE_BOOL: *out = (bt_value){.type = BT_VALUE_BOOL, .boolean = bt_row_byte(v->reader) != 0}; return true;
  case TYPE_STRING: return read_string(v, out);
  case TYPE_DATE: return read_date(v, 2, out);
  case TYPE_DATE32:
  case TYPE_DATETIME: return read_date(v, 4, out);
  case TYPE_DATETIME_ZONE:
  case TYPE_DATETIME64:
  case TYPE_DATETIME64_ZONE: return read_zoned_date(v, type, code, out);
  case TYPE_ARRAY: return read_list(v, type, out, depth);
  case TYPE_TUPLE: return read_tuple(v, type, out, depth);
  case TYPE_NULLABLE: return read_nullable(v, type, out, depth);
  case TYPE_DYNAMIC: (void)bt_row_byte(type); return read_dynamic(v, out, depth);
  case TYPE_JSON: return read_object(v, type, out, depth);
  default: return v->reader->failed || type->failed || stop_at_type(v, "that is not known");
  }
}

/* A type, and a value of it. */
static bool read_dynamic(json_value *v, bt_value *out, unsigned depth) {
  bt_row_reader type = *v->reader;
  return pass_type(v, v->reader, depth) && read_typed(v, &type, out, depth);
}

bool bt_row_take_json(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list) {
  size_t count = bt_row_count(reader);
  for (size_t i = 0; i < count && !reader->failed; i++) {
    bt_attribute attribute;
    json_value v = {.rows = rows, .reader = reader};
    if (!bt_row_take_text(rows, reader, &attribute.key) || !read_dynamic(&v, &attribute.value, 0)) return false;
    bt_status status = bt_build_add(list, &attribute, &rows->error);
    if (status != BT_OK) return bt_row_stop(rows, status);
  }
  return !reader->failed;
}
