/* Comparing two reports. See report_comparison.h. */
#include "server/compliance/report_comparison.h"

#include <string.h>

static json_t *body_of(const json_t *entry) {
  return json_object_get(entry, "body");
}

/* On a copy: what tells of the moment of making, and of nothing else. */
static void drop_moment(json_t *entry) {
  static const char *const names[] = {"report_id", "evaluated_at", "cost", "previous"};
  json_t *body = body_of(entry);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) json_object_del(body, names[i]);
  json_object_del(json_object_get(body, "coverage"), "handover_from");
  json_object_del(json_object_get(body, "coverage"), "kept_from");
  json_object_del(entry, "hash");
  json_object_del(entry, "previous");
}

static bool is_same_entry(const json_t *a, const json_t *b) {
  json_t *x = json_deep_copy(a), *y = json_deep_copy(b);
  if (x && y) {
    drop_moment(x);
    drop_moment(y);
  }
  bool is_same = x && y && json_equal(x, y);
  json_decref(x);
  json_decref(y);
  return is_same;
}

bool bt_reports_say_the_same(bt_str text, const json_t *document) {
  json_t *before = text.len ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
  const json_t *a = json_object_get(before, "entries"), *b = json_object_get(document, "entries");
  size_t count = json_array_size(a);
  bool is_same = count && count == json_array_size(b);
  for (size_t i = 0; i < count && is_same; i++) is_same = is_same_entry(json_array_get(a, i), json_array_get(b, i));
  json_decref(before);
  return is_same;
}
