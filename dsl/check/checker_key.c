/* Keys without a head: `amount` in where(…), `c.amount`. They are attributes, and where a field that every span has was
 * probably meant, a warning says so. See checker.h. */
#include <string.h>

#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/trace/trace.h"

/* Puts another field in the place of a bare key; behind `name.` that needs a filter. */
static void fix_key(bt_checker *checker, bt_diagnostic *added, const bt_ast *node, const bt_place *place, bt_str front,
                    const char *field) {
  if (!place->direct.len || !place->whole) {
    bt_checker_fix(checker, added, node->range, "%.*s%s%s", BT_FMT(front), front.len ? "." : "", field);
    return;
  }
  bt_str rest = bt_checker_source(checker, (bt_range){node->range.end, place->whole->range.end});
  bt_checker_fix(checker, added, place->whole->range, "%.*s.where(%s%.*s)", BT_FMT(place->direct), field, BT_FMT(rest));
}

/* A bare `duration` is the span's own where it is set against a duration. */
void bt_checker_duration_key(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out) {
  if (place->duration_wanted) {
    out->kind = BT_FIELD_DURATION;
    return;
  }
  *out = (bt_field){.kind = BT_FIELD_EITHER_ATTRIBUTE, .binding = out->binding, .key = BT_STR("duration")};
  bt_str front = bt_path_front(node->text);
  const char *dot = front.len ? "." : "";
  bt_diagnostic *added = bt_checker_report(checker, BT_W_DURATION, node->range,
                                           "this reads the attribute `duration`, because it is not compared with a "
                                           "duration as in 500ms; write the span's own as %.*s%sspan.duration",
                                           BT_FMT(front), dot);
  /* Against a number span.duration would be an error. */
  if (!place->whole) fix_key(checker, added, node, place, front, "span.duration");
}

/* The field that a bare key probably stands for, or NULL. */
static const char *field_meant(bt_str key) {
  static const char *const rows[][2] = {{"name", "span.name"},           {"kind", "span.kind"},
                                        {"status", "span.status"},       {"status_message", "span.status_message"},
                                        {"parent_id", "span.parent_id"}, {"service", "span.service"},
                                        {"trace_id", "span.trace_id"},   {"flags", "span.flags"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (bt_str_equal(key, bt_str_from(rows[i][0]))) return rows[i][1];
  return bt_foreign_field(key, BT_FOREIGN_BARE);
}

/* `where(parent.name == "x")`: there is no such field. */
static void warn_of_relative(bt_checker *checker, const bt_ast *node, bt_str key, const bt_place *place) {
  const char *advice = bt_foreign_hint(key, BT_FOREIGN_BARE);
  if (advice)
    bt_checker_report(checker, BT_W_INTRINSIC, node->range, "this reads the attribute `%.*s`: %s", BT_FMT(key), advice);
  else
    bt_checker_warn_of_head(checker, node, key, BT_FOREIGN_BARE, place);
}

/* `parent.name == "x"`: spans that are called `parent`, which nobody means. No fix: which span's parent is not said. */
static bool warn_of_parent(bt_checker *checker, const bt_ast *node, bt_str key, bt_str direct) {
  if (!bt_str_equal(direct, BT_STR("parent"))) return false;
  bt_checker_report(checker, BT_W_INTRINSIC, node->range,
                    "this reads the attribute `%.*s` of spans that are called `parent`: what a span's parent has to be "
                    "is said behind the selection, as in x child of (y.where(…))",
                    BT_FMT(key));
  return true;
}

/* `where(status == "error")` and `where(service_name == "a")` read an attribute where the intrinsic was probably meant.
 */
void bt_checker_warn_of_intrinsic(bt_checker *checker, const bt_ast *node, bt_str key, const bt_place *place) {
  const char *found = field_meant(key);
  if (!found) {
    warn_of_relative(checker, node, key, place);
    return;
  }
  if (warn_of_parent(checker, node, key, place->direct)) return;
  bool of_trace = bt_str_starts_with(bt_str_from(found), BT_STR("trace."));
  bt_str front = bt_path_front(node->text);
  bool bound = front.len && bt_scope_is_binding(checker, front);
  if (bound && bt_str_starts_with(bt_str_from(found), BT_STR("scope."))) return; /* a binding has none */
  if (!bound || of_trace) front.len = 0;
  const char *dot = front.len ? "." : "";
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_INTRINSIC, node->range,
      "this reads the attribute `%.*s`: the %s's own is written %.*s%s%s, and to say that the attribute "
      "is meant, %.*s%s%s[\"%.*s\"]",
      BT_FMT(key), of_trace ? "trace" : "span", BT_FMT(front), dot, found, BT_FMT(front), dot,
      front.len ? "attributes" : "span.attributes", BT_FMT(key));
  if (!place->whole || bt_is_literal_of(place->whole, bt_path_last(bt_str_from(found)).ptr))
    fix_key(checker, added, node, place, front, found);
}

/* Whether all that it is compared with is of that kind. */
static bool compares_with(const bt_ast *comparison, bool (*fits)(const bt_ast *item)) {
  for (uint32_t i = 1; i < comparison->item_count; i++)
    if (!fits(comparison->items[i])) return false;
  return true;
}

static bool is_number(const bt_ast *item) {
  return item->kind == BT_AST_INTEGER || item->kind == BT_AST_DECIMAL;
}

static bool is_trace_id(const bt_ast *item) {
  bt_trace_id id;
  return item->kind == BT_AST_STRING && item->text.len == BT_TRACE_ID_HEX && bt_trace_id_parse(item->text, &id) &&
         !bt_trace_id_is_zero(&id);
}

/* Replacing the key must not make an error of the text: span.status knows three values only. */
bool bt_is_literal_of(const bt_ast *comparison, const char *key) {
  if (strcmp(key, "trace_id") == 0) return compares_with(comparison, is_trace_id);
  if (strcmp(key, "flags") == 0 || strncmp(key, "dropped_", strlen("dropped_")) == 0)
    return compares_with(comparison, is_number);
  static const char *const statuses[] = {"unset", "ok", "error", NULL};
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer", NULL};
  const char *const *known = strcmp(key, "status") == 0 ? statuses : strcmp(key, "kind") == 0 ? kinds : NULL;
  static const char *const not_text[] = {"duration", "start", "end", "time", "span_count"};
  for (size_t i = 0; i < sizeof not_text / sizeof *not_text; i++)
    if (strcmp(key, not_text[i]) == 0) return false;
  for (uint32_t i = 1; known && i < comparison->item_count; i++) {
    const bt_ast *item = comparison->items[i];
    bool match = item->kind != BT_AST_STRING && item->kind != BT_AST_PATH;
    for (size_t k = 0; known[k]; k++) match |= bt_str_equal_nocase(item->text, bt_str_from(known[k]));
    if (!match) return false;
  }
  return true;
}

bool bt_checker_bare_key(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out) {
  *out = (bt_field){.kind = BT_FIELD_EITHER_ATTRIBUTE, .binding = BT_NO_BINDING, .key = node->text};
  bool is_said = bt_field_behind_name(place->direct).len || bt_field_owner_ends(place->direct);
  if (place->site == BT_SITE_EVENT || place->site == BT_SITE_LINK)
    bt_checker_warn_of_part_key(checker, node, place);
  else if (bt_str_equal(node->text, BT_STR("duration")) && node->kind == BT_AST_PATH)
    bt_checker_duration_key(checker, node, place, out);
  else if (node->kind == BT_AST_PATH && !is_said)
    bt_checker_warn_of_intrinsic(checker, node, node->text, place);
  return true;
}
