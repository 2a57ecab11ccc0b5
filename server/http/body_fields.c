/* Reading fields. See body_fields.h. */
#include "server/http/body_fields.h"

#include <stdio.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"

/* ---- a query as a body ---- */

typedef struct query_reader {
  json_t *body;
  const char *name;
  json_t *list; /* NULL: the name stands once at most */
  bool is_no_text;
} query_reader;

static void take_value(void *context, bt_str value) {
  query_reader *reader = context;
  bool has_nul = value.ptr && memchr(value.ptr, 0, value.len);
  json_t *text = json_stringn(value.ptr ? value.ptr : "", value.len);
  if (!text || has_nul) {
    reader->is_no_text = true;
    json_decref(text);
    return;
  }
  if (reader->list)
    bt_json_append(reader->list, text);
  else
    bt_json_set(reader->body, reader->name, text);
}

static bool take_parameter(bt_call *call, query_reader *reader) {
  bt_call_query_each(call, reader->name, take_value, reader);
  if (reader->is_no_text)
    bt_call_problem(call, 400, "invalid-parameter", "%s has to be UTF-8 text without a NUL.", reader->name);
  return !reader->is_no_text;
}

json_t *bt_query_body(bt_call *call, const char *const *names, const char *list, const char *list_name) {
  if (!bt_call_query_allows(call, names)) return NULL;
  query_reader reader = {.body = json_object()};
  for (size_t i = 0; names[i]; i++) {
    reader.name = names[i];
    reader.list = list && strcmp(list, names[i]) == 0 ? json_array() : NULL;
    if (!take_parameter(call, &reader)) {
      json_decref(reader.list);
      json_decref(reader.body);
      return NULL;
    }
    if (json_array_size(reader.list))
      bt_json_set(reader.body, list_name, reader.list);
    else
      json_decref(reader.list);
  }
  if (bt_json_memory_failed()) {
    json_decref(reader.body);
    reader.body = NULL;
  }
  if (!reader.body) bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
  return reader.body;
}

/* ---- fields ---- */

json_t *bt_body_value(json_t *body, const char *name) {
  json_t *value = json_object_get(body, name);
  return json_is_null(value) ? NULL : value;
}

static void read_time(json_t *body, const char *name, int64_t now_ns, int64_t *out, bt_field_errors *errors) {
  json_t *value = bt_body_value(body, name);
  if (value && !bt_json_time(value, now_ns, out))
    bt_field_errors_add(
        errors, name,
        "has to be a time: RFC 3339 as in \"2026-01-11T14:23:17Z\", unix s, ms or ns, \"now\", or \"now-24h\"");
}

static void say_length(bt_field_errors *errors, const char *name, const char *limit) {
  bt_field_errors_add(errors, name, "makes the range longer than %s; ask for it in parts", limit);
}

void bt_body_range(const bt_service *service, json_t *body, const bt_range_names *names, int64_t now_ns,
                   bt_time_range *out, bt_field_errors *errors) {
  bool had_errors = errors->items != NULL;
  int64_t length_ns = names->default_ns;
  if (service->max_range_ns && service->max_range_ns < length_ns) length_ns = service->max_range_ns;
  out->end_ns = now_ns;
  read_time(body, names->end, now_ns, &out->end_ns, errors);
  out->start_ns = bt_time_subtract(out->end_ns, length_ns);
  read_time(body, names->start, now_ns, &out->start_ns, errors);
  if (!had_errors && errors->items) return;
  uint64_t asked_ns = (uint64_t)out->end_ns - (uint64_t)out->start_ns;
  char most[64];
  bt_duration_format(names->most_ns, most);
  if (out->start_ns >= out->end_ns)
    bt_field_errors_add(errors, names->start, "has to be before %s", names->end);
  else if (service->max_range_ns && asked_ns > (uint64_t)service->max_range_ns)
    say_length(errors, names->start, "--max-range allows");
  else if (names->most_ns && asked_ns > (uint64_t)names->most_ns)
    say_length(errors, names->start, most);
}

const char *bt_body_text(json_t *body, const char *name, bt_field_errors *errors) {
  json_t *value = bt_body_value(body, name);
  if (value && !json_is_string(value)) bt_field_errors_add(errors, name, "has to be a string");
  return json_string_value(value);
}

void bt_body_duration(json_t *body, const char *name, int64_t most_ns, int64_t *out, bt_field_errors *errors) {
  json_t *value = bt_body_value(body, name);
  if (!value) return;
  const char *text = json_string_value(value);
  char most[64];
  bt_duration_format(most_ns, most);
  if (!text || !bt_duration_parse(bt_str_from(text), out) || *out <= 0 || *out > most_ns)
    bt_field_errors_add(errors, name, "has to be a duration of at most %s, as in \"20s\"", most);
}

static bool parse_count(const json_t *value, size_t most, size_t *out) {
  const char *text = json_string_value(value);
  json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
  if (text && text[0] && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text)) {
    for (; *text; text++) number = number * 10 + (*text - '0');
  }
  *out = number > 0 ? (size_t)number : 0;
  return number >= 1 && (size_t)number <= most;
}

void bt_body_count(json_t *body, const char *name, size_t most, size_t *out, bt_field_errors *errors) {
  json_t *value = bt_body_value(body, name);
  size_t number = 0;
  if (!value) return;
  if (parse_count(value, most, &number))
    *out = number;
  else
    bt_field_errors_add(errors, name, "has to be a whole number from 1 to %zu", most);
}

size_t bt_body_word(json_t *body, const char *name, const char *const *words, size_t otherwise,
                    bt_field_errors *errors) {
  json_t *value = bt_body_value(body, name);
  const char *text = json_string_value(value);
  char list[160] = "";
  size_t length = 0;
  if (!value) return otherwise;
  for (size_t i = 0; words[i]; i++) {
    if (text && strcmp(text, words[i]) == 0) return i;
    const char *joint = i == 0 ? "" : words[i + 1] ? ", " : " or ";
    int written = snprintf(list + length, sizeof list - length, "%s\"%s\"", joint, words[i]);
    if (written > 0 && length + (size_t)written < sizeof list) length += (size_t)written;
  }
  bt_field_errors_add(errors, name, "has to be %s", list);
  return otherwise;
}
