/* Texts within JSON that somebody sent. See json_members.h. */
#include "server/json/json_members.h"

bt_str bt_json_str(const json_t *value) {
  return (bt_str){json_string_value(value), json_string_length(value)};
}

bt_str bt_json_str_at(const json_t *object, const char *name) {
  return bt_json_str(json_object_get(object, name));
}

const char *bt_json_text_at(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}
