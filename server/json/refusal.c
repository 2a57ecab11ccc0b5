/* From a problem document to an error. See refusal.h. */
#include "server/json/refusal.h"

bt_status bt_service_refusal(int code, json_t *document, bt_error *error) {
  const char *detail = json_string_value(json_object_get(document, "detail"));
  json_t *first = json_array_get(json_object_get(document, "errors"), 0);
  const char *message = json_string_value(json_object_get(first, "message"));
  const char *rule = json_string_value(json_object_get(first, "rule_id"));
  bt_status status = code == 400 || code == 413 || code == 422   ? BT_INVALID
                     : code == 401 || code == 403 || code == 421 ? BT_REFUSED
                     : code == 404                               ? BT_NOT_FOUND
                     : code == 409 || code == 412                ? BT_CONFLICT
                                                                 : BT_UNAVAILABLE;
  return bt_error_set(error, status, "the service answered %d: %.200s%s%.64s%s%.160s", code,
                      detail ? detail : "no reason was given", rule ? " Rule " : "", rule ? rule : "",
                      message ? ": " : "", message ? message : "");
}
