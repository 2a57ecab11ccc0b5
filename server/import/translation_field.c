/* Fields of a span as the original's rules write them, in the language's words, and what the author's example has in
 * them. See translation.h. Thread: no state. */
#include "dsl/trace/text_number.h"
#include "server/import/translation_parts.h"

typedef bt_old_node node;

/* ---- types ---- */

static const char *type_name(bt_value_type type) {
  switch (type) {
  case BT_VALUE_STRING: return "a text";
  case BT_VALUE_BOOL: return "true or false";
  case BT_VALUE_INT:
  case BT_VALUE_DOUBLE: return "a number";
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: break;
  }
  return NULL;
}

static const bt_value *find_in_example(const bt_translation *t, bt_str key) {
  for (uint32_t i = 0; t->example && i < t->example->span_count; i++) {
    const bt_value *value = bt_attributes_find(&t->example->spans[i].attributes, key);
    if (value && type_name(value->type)) return value;
  }
  return NULL;
}

/* A comparison meets values of one type alone here, and a text that reads so. Says so where the example has another. */
void bt_translation_check_type(bt_translation *t, const node *field, bt_value_type wanted) {
  const bt_value *shown = field->kind == BT_OLD_SPAN_FIELD ? NULL : find_in_example(t, field->text);
  if (field->kind == BT_OLD_SPAN_FIELD) return;
  bt_value read = shown && wanted != BT_VALUE_STRING ? bt_value_read(shown) : (bt_value){.type = wanted};
  bool is_met = shown && (wanted == BT_VALUE_STRING ? shown->type == BT_VALUE_STRING
                                                    : strcmp(type_name(read.type), type_name(wanted)) == 0);
  if (shown && !is_met) {
    bt_translation_note(t, true, &field->range,
                        "%.*s is %s in the example and is compared with %s, which is never met here: the original made "
                        "texts of both",
                        BT_FMT(field->text), type_name(shown->type), type_name(wanted));
  } else if (!shown && wanted == BT_VALUE_INT && !t->has_said_numbers) {
    t->has_said_numbers = !t->is_silent;
    bt_translation_note(t, false, &field->range,
                        "%.*s is compared as a number: where traces have it as a text, that has to look like one",
                        BT_FMT(field->text));
  }
}

/* ---- fields ---- */

static const char *intrinsic_of(bt_str field) {
  static const char *const names[][2] = {{"name", "span.name"},         {"operation_name", "span.name"},
                                         {"status", "span.status"},     {"service_name", "span.service"},
                                         {"duration", "span.duration"}, {"span_id", "span.id"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (bt_str_equal(field, bt_str_from(names[i][0]))) return names[i][1];
  return NULL;
}

/* Fields that a span has here and had not in the original. */
static const char *new_intrinsic_of(bt_str field) {
  static const char *const names[][2] = {
      {"kind", "span.kind"}, {"status_message", "span.status_message"}, {"parent_span_id", "span.parent_id"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (bt_str_equal(field, bt_str_from(names[i][0]))) return names[i][1];
  return NULL;
}

bool bt_translation_is_duration(const node *field) {
  return field->kind == BT_OLD_SPAN_FIELD && bt_str_equal(field->text, BT_STR("duration"));
}

/* Keys that are also fields of a span, which the original's .where( ) never read. */
static bool is_field_of_span(bt_str key) {
  static const char *const names[] = {"name", "kind", "status",    "status_message", "duration", "start",
                                      "end",  "id",   "parent_id", "service",        "trace_id", "flags"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (bt_str_equal(key, bt_str_from(names[i]))) return true;
  return false;
}

void bt_append_span_key(bt_str key, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("span.attributes["));
  bt_append_string(key, out);
  bt_buffer_append_char(out, ']');
}

void bt_translation_write_field(bt_translation *t, const node *field, bt_buffer *out) {
  const char *intrinsic = field->kind == BT_OLD_SPAN_FIELD ? intrinsic_of(field->text) : NULL;
  if (field->kind == BT_OLD_FIELD && !is_field_of_span(field->text)) {
    bt_append_path(field->text, out);
  } else if (intrinsic) {
    bt_buffer_append(out, bt_str_from(intrinsic));
  } else if (field->kind != BT_OLD_SPAN_FIELD) {
    bt_append_span_key(field->text, out);
  } else if (bt_str_equal(field->text, BT_STR("trace_id"))) {
    bt_translation_fail(
        t, field,
        "a test of the id of the trace makes a rule about one trace: if that is meant, write trace.id and 32 "
        "hexadecimal digits");
  } else {
    const char *own = new_intrinsic_of(field->text);
    if (own)
      bt_buffer_append(out, bt_str_from(own));
    else
      bt_append_span_key(field->text, out);
    bt_translation_note(t, true, &field->range,
                        "the original has no field span.%.*s, and a test of it never held: this "
                        "asks for the %s",
                        BT_FMT(field->text), own ? "span's own" : "attribute");
  }
}

/* `(test or not exists(field))`: a missing attribute meets it, as it did in the original. */
void bt_translation_write_or_missing(bt_translation *t, const node *field, const bt_buffer *test, bt_buffer *out) {
  bt_buffer_printf(out, "(%s or not exists(", test->ptr ? test->ptr : "");
  bt_translation_write_field(t, field, out);
  bt_buffer_append(out, BT_STR("))"));
}
