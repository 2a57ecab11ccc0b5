/* What is in the fields of a body, and what is wrong with them. See call.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dsl/base/suggestion.h"
#include "server/base/time_text.h"
#include "server/http/call.h"
#include "server/json/json_values.h"

bool bt_json_time(const json_t *value, int64_t now_ns, int64_t *out_ns) {
  char digits[32];
  if (json_is_string(value))
    return bt_time_parse((bt_str){json_string_value(value), json_string_length(value)}, now_ns, out_ns);
  if (!json_is_integer(value)) return false;
  int length = snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
  return bt_time_parse((bt_str){digits, (size_t)length}, now_ns, out_ns);
}

void bt_field_errors_add(bt_field_errors *errors, const char *field, const char *format, ...) {
  char message[400];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  if (!errors->items) errors->items = json_array();
  /* A name of the user's may be no UTF-8 only when it was cut above; jansson refuses it then, and the generic text
   * stands in. */
  json_t *item = json_pack("{s:s, s:s}", "field", field, "message", message);
  if (!item) item = json_pack("{s:s, s:s}", "field", "?", "message", "this field is not known here");
  bt_json_append(errors->items, item);
  if (!errors->items) errors->are_lost = true;
}

bool bt_field_errors_any(const bt_field_errors *errors) {
  return errors->items || errors->are_lost;
}

void bt_field_errors_unknown(bt_field_errors *errors, json_t *object, const char *const *names) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    bool known = false;
    for (size_t i = 0; names[i] && !known; i++) known = strcmp(key, names[i]) == 0;
    if (known) continue;
    const char *nearest = bt_suggest_nearest(bt_str_from(key), names);
    if (nearest)
      bt_field_errors_add(errors, key, "there is no such field; did you mean \"%s\"?", nearest);
    else
      bt_field_errors_add(errors, key, "there is no such field");
  }
}

void bt_field_errors_drop(bt_field_errors *errors) {
  json_decref(errors->items);
  *errors = (bt_field_errors){0};
}

bool bt_call_refuse_fields(bt_call *call, bt_field_errors *errors) {
  if (!bt_field_errors_any(errors)) return false;
  if (!errors->items) {
    bt_call_error(call, BT_NO_MEMORY, &(bt_error){.message = "no memory for what is wrong with the fields"});
    return true;
  }
  const json_t *first = json_array_get(errors->items, 0);
  const char *field = json_string_value(json_object_get(first, "field"));
  const char *message = json_string_value(json_object_get(first, "message"));
  bt_call_problem_with(call, 400, "invalid-field", errors->items, "%s: %s", field ? field : "body",
                       message ? message : "not valid");
  errors->items = NULL;
  return true;
}
