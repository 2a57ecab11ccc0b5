/* Fields: what a path means as a field of a span, of the trace, of a binding. See checker.h and dsl.md §3. */
#include <string.h>

#include "dsl/base/suggestion.h"
#include "dsl/check/checker.h"
#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/lexer.h"

typedef struct field_row {
  const char *name;
  bt_field_kind kind;
} field_row;

static const field_row span_fields[] = {
    {"name", BT_FIELD_NAME},
    {"kind", BT_FIELD_KIND},
    {"status", BT_FIELD_STATUS},
    {"status_message", BT_FIELD_STATUS_MESSAGE},
    {"duration", BT_FIELD_DURATION},
    {"start", BT_FIELD_START},
    {"end", BT_FIELD_END},
    {"id", BT_FIELD_ID},
    {"parent_id", BT_FIELD_PARENT_ID},
    {"service", BT_FIELD_SERVICE},
    {"trace_id", BT_FIELD_SPAN_TRACE_ID},
    {"flags", BT_FIELD_FLAGS},
    {"dropped_attributes_count", BT_FIELD_DROPPED_ATTRIBUTES},
    {"dropped_events_count", BT_FIELD_DROPPED_EVENTS},
    {"dropped_links_count", BT_FIELD_DROPPED_LINKS},
    {NULL, 0},
};

static const field_row trace_fields[] = {
    {"id", BT_FIELD_TRACE_ID},
    {"duration", BT_FIELD_TRACE_DURATION},
    {"start", BT_FIELD_TRACE_START},
    {"end", BT_FIELD_TRACE_END},
    {"span_count", BT_FIELD_TRACE_SPAN_COUNT},
    {"service_count", BT_FIELD_TRACE_SERVICE_COUNT},
    {"root.name", BT_FIELD_TRACE_ROOT_NAME},
    {"root.service", BT_FIELD_TRACE_ROOT_SERVICE},
    {NULL, 0},
};

static const field_row scope_fields[] = {{"name", BT_FIELD_SCOPE_NAME}, {"version", BT_FIELD_SCOPE_VERSION}, {NULL, 0}};

static const field_row *find_row(const field_row *rows, bt_str name) {
  for (; rows->name; rows++)
    if (bt_str_equal(name, bt_str_from(rows->name))) return rows;
  return NULL;
}

/* The name of the row that was probably meant, or NULL. */
static const char *nearest_row(const field_row *rows, bt_str name) {
  const char *names[24];
  size_t count = 0;
  for (; rows->name && count < 23; rows++) names[count++] = rows->name;
  names[count] = NULL;
  return bt_suggest_nearest(name, names);
}

bt_type bt_field_type(bt_field_kind kind) {
  switch (kind) {
  case BT_FIELD_NAME:
  case BT_FIELD_KIND:
  case BT_FIELD_STATUS:
  case BT_FIELD_STATUS_MESSAGE:
  case BT_FIELD_ID:
  case BT_FIELD_PARENT_ID:
  case BT_FIELD_SERVICE:
  case BT_FIELD_SCOPE_NAME:
  case BT_FIELD_SCOPE_VERSION:
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_LINK_TRACE_ID:
  case BT_FIELD_LINK_SPAN_ID:
  case BT_FIELD_SPAN_TRACE_ID:
  case BT_FIELD_TRACE_STATE:
  case BT_FIELD_TRACE_ID:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE: return BT_TYPE_STRING;
  case BT_FIELD_DURATION:
  case BT_FIELD_TRACE_DURATION: return BT_TYPE_DURATION;
  case BT_FIELD_START:
  case BT_FIELD_END:
  case BT_FIELD_EVENT_TIME:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END: return BT_TYPE_TIME;
  case BT_FIELD_FLAGS:
  case BT_FIELD_DROPPED_ATTRIBUTES:
  case BT_FIELD_DROPPED_EVENTS:
  case BT_FIELD_DROPPED_LINKS:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT: return BT_TYPE_NUMBER;
  case BT_FIELD_SPAN_ATTRIBUTE:
  case BT_FIELD_RESOURCE_ATTRIBUTE:
  case BT_FIELD_EITHER_ATTRIBUTE:
  case BT_FIELD_SCOPE_ATTRIBUTE:
  case BT_FIELD_EVENT_ATTRIBUTE:
  case BT_FIELD_LINK_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE: return BT_TYPE_ATTRIBUTE;
  }
  return BT_TYPE_ATTRIBUTE;
}

bool bt_checker_has_field_head(const bt_checker *checker, const bt_ast *node) {
  static const char *const heads[] = {"span", "resource", "scope", "event", "link", "trace"};
  if (node->kind == BT_AST_INDEX) return true;
  if (node->kind != BT_AST_PATH) return false;
  bt_str head = bt_path_head(node->text);
  if (bt_scope_is_binding(checker, head)) return true;
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
    if (bt_str_equal(head, bt_str_from(heads[i]))) return bt_path_rest(node->text).len > 0;
  return false;
}

bool bt_checker_is_amount(bt_str text, bool needs_unit) {
  static const char *const units[] = {"", "ns", "us", "ms", "s", "m", "h", "d"};
  size_t digits = 0;
  while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') digits++;
  bt_str unit = {text.ptr + digits, text.len - digits};
  for (size_t i = needs_unit; digits && i < sizeof units / sizeof units[0]; i++)
    if (bt_str_equal(unit, bt_str_from(units[i]))) return true;
  return false;
}

/* `c.amount-1` and `span.duration-5ms`: the hyphen belongs to the name, which is hardly meant. True: reported. */
static bool report_glued_minus(bt_checker *checker, const bt_ast *node, bt_str name, const field_row *intrinsics) {
  for (size_t i = 1; i + 1 < name.len; i++) {
    if (name.ptr[i] != '-') continue;
    bt_str before = {name.ptr, i}, after = {name.ptr + i + 1, name.len - i - 1};
    bool meant = intrinsics ? find_row(intrinsics, before) != NULL
                            : bt_checker_is_amount(after, false) || bt_scope_is_binding(checker, bt_path_head(after));
    if (!meant) continue;
    size_t front = (size_t)(name.ptr - node->text.ptr) + i;
    bt_diagnostic *added =
        bt_checker_report(checker, BT_E_SYNTAX, node->range,
                          "a hyphen between letters or digits belongs to the name: a difference needs a blank next to "
                          "the minus, and such an attribute is written attributes[\"%.*s\"]",
                          BT_FMT(name));
    bt_checker_fix(checker, added, node->range, "%.*s - %.*s", (int)front, node->text.ptr, BT_FMT(after));
    return true;
  }
  return false;
}

/* `span.attributes.k` */
bool bt_checker_report_dotted_attributes(bt_checker *checker, const bt_ast *node, bt_str rest) {
  if (!bt_str_equal(bt_path_head(rest), BT_STR("attributes"))) return false;
  bt_str key = bt_path_rest(rest);
  size_t front = (size_t)(rest.ptr - node->text.ptr) + strlen("attributes");
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_UNKNOWN, node->range, "an attribute's key is written in brackets: %.*s[\"%.*s\"]",
                        (int)front, node->text.ptr, BT_FMT(key));
  bt_checker_fix(checker, added, node->range, "%.*s[\"%.*s\"]", (int)front, node->text.ptr, BT_FMT(key));
  return true;
}

static bool resolve_scope(bt_checker *checker, const bt_ast *node, bt_str rest, bt_field *out) {
  const field_row *row = find_row(scope_fields, rest);
  if (row) return out->kind = row->kind, true;
  if (bt_checker_report_dotted_attributes(checker, node, rest)) return false;
  const char *nearest = nearest_row(scope_fields, rest);
  bt_diagnostic *added = bt_checker_report(
      checker, BT_E_UNKNOWN, node->range, "a scope has scope.name, scope.version and scope.attributes[\"key\"]%s%s%s",
      nearest ? ": did you mean scope." : "", nearest ? nearest : "", nearest ? "?" : "");
  if (nearest)
    bt_checker_fix(checker, added, node->range, "scope.%s", nearest);
  else
    bt_checker_fix(checker, added, node->range, "scope.attributes[\"%.*s\"]", BT_FMT(rest));
  return false;
}

/* `trace.root.attributes.k`, `trace.root.resource.attributes.k` */
static bool report_dotted_root(bt_checker *checker, const bt_ast *node, bt_str rest) {
  if (!bt_str_equal(bt_path_head(rest), BT_STR("root"))) return false;
  bt_str of_root = bt_path_rest(rest);
  if (bt_str_equal(bt_path_head(of_root), BT_STR("resource"))) of_root = bt_path_rest(of_root);
  return bt_checker_report_dotted_attributes(checker, node, of_root);
}

static bool resolve_trace(bt_checker *checker, const bt_ast *node, bt_str rest, bt_field *out) {
  const field_row *row = find_row(trace_fields, rest);
  if (row) return out->kind = row->kind, true;
  if (report_dotted_root(checker, node, rest)) return false;
  if (report_glued_minus(checker, node, rest, trace_fields)) return false;
  const char *foreign = bt_foreign_field(rest, BT_FOREIGN_BARE), *nearest = nearest_row(trace_fields, rest);
  if (foreign && bt_str_starts_with(bt_str_from(foreign), BT_STR("trace."))) nearest = foreign + strlen("trace.");
  if (foreign && strcmp(foreign, "span.trace_id") == 0) nearest = "id";
  if (nearest) {
    bt_diagnostic *added = bt_checker_report(checker, BT_E_UNKNOWN, node->range,
                                             "unknown field trace.%.*s: did you mean trace.%s?", BT_FMT(rest), nearest);
    bt_checker_fix(checker, added, node->range, "trace.%s", nearest);
  } else {
    bt_checker_report(
        checker, BT_E_UNKNOWN, node->range,
        "unknown field trace.%.*s: a trace has id, duration, start, end, span_count, service_count, root.name, "
        "root.service, root.attributes[\"key\"] and root.resource.attributes[\"key\"]; for a span write "
        "trace.has(…)",
        BT_FMT(rest));
  }
  return false;
}

/* An attribute of the span that is nearly an intrinsic: `span.statusMessage`. */
static void warn_of_near_intrinsic(bt_checker *checker, const bt_ast *node, bt_str rest, const bt_place *place) {
  const char *advice = bt_foreign_hint(rest, BT_FOREIGN_SPAN);
  const char *nearest = nearest_row(span_fields, rest), *foreign = bt_foreign_field(rest, BT_FOREIGN_SPAN);
  size_t front = (size_t)(rest.ptr - node->text.ptr);
  if (advice) {
    bt_checker_report(checker, BT_W_INTRINSIC, node->range, "%.*s reads an attribute of that name: %s",
                      BT_FMT(node->text), advice);
    return;
  }
  if (!foreign && bt_checker_warn_of_head(checker, node, rest, BT_FOREIGN_SPAN, place)) return;
  if (foreign && bt_str_starts_with(bt_str_from(foreign), BT_STR("span."))) {
    nearest = foreign + strlen("span.");
  } else if (foreign) {
    bt_diagnostic *added = bt_checker_report(checker, BT_W_INTRINSIC, node->range,
                                             "%.*s reads an attribute of that name: did you mean %s? The attribute can "
                                             "be written span.attributes[\"%.*s\"]",
                                             BT_FMT(node->text), foreign, BT_FMT(rest));
    if (bt_str_ends_with(bt_str_from(foreign), BT_STR("name")) ||
        bt_str_ends_with(bt_str_from(foreign), BT_STR("service")))
      bt_checker_fix(checker, added, node->range, "%s", foreign);
    return;
  }
  if (!nearest || rest.len < 4) return;
  bt_diagnostic *added =
      bt_checker_report(checker, BT_W_INTRINSIC, node->range,
                        "%.*s reads an attribute of that name: did you mean %.*s%s? The attribute can be written "
                        "span.attributes[\"%.*s\"]",
                        BT_FMT(node->text), (int)front, node->text.ptr, nearest, BT_FMT(rest));
  /* Where the other side may not fit the intrinsic's type, the author has to look. */
  bt_field_kind kind = find_row(span_fields, bt_str_from(nearest))->kind;
  bool any_string = bt_field_type(kind) == BT_TYPE_STRING && kind != BT_FIELD_KIND && kind != BT_FIELD_STATUS;
  if (kind == BT_FIELD_SPAN_TRACE_ID) any_string = !place->whole || bt_is_literal_of(place->whole, nearest);
  if (any_string) bt_checker_fix(checker, added, node->range, "%.*s%s", (int)front, node->text.ptr, nearest);
}

static bool resolve_span(bt_checker *checker, const bt_ast *node, bt_str rest, const bt_place *place, bt_field *out) {
  const field_row *row = find_row(span_fields, rest);
  if (row) return out->kind = row->kind, true;
  if (bt_checker_report_dotted_attributes(checker, node, rest) || report_glued_minus(checker, node, rest, span_fields))
    return false;
  warn_of_near_intrinsic(checker, node, rest, place);
  *out = (bt_field){.kind = BT_FIELD_SPAN_ATTRIBUTE, .binding = out->binding, .key = rest};
  return true;
}

static bool resolve_resource(bt_checker *checker, const bt_ast *node, bt_str rest, bt_field *out) {
  if (bt_checker_report_dotted_attributes(checker, node, rest)) return false;
  const char *meant = bt_foreign_field(rest, BT_FOREIGN_RESOURCE);
  if (meant)
    bt_checker_report(checker, BT_W_INTRINSIC, node->range,
                      "%.*s reads an attribute of that name: did you mean %s? The attribute can be written "
                      "resource.attributes[\"%.*s\"]",
                      BT_FMT(node->text), meant, BT_FMT(rest));
  *out = (bt_field){.kind = BT_FIELD_RESOURCE_ATTRIBUTE, .binding = out->binding, .key = rest};
  return true;
}

static bool report_binding_head(bt_checker *checker, const bt_ast *node, bt_str binding, bt_str rest) {
  bt_str head = bt_path_head(rest);
  if (bt_str_equal(head, BT_STR("event")) || bt_str_equal(head, BT_STR("link"))) {
    bt_checker_report(checker, BT_E_EVENT, node->range, "%.*ss of a bound span are asked with %.*s.where(%.*s.… == …)",
                      BT_FMT(head), BT_FMT(binding), BT_FMT(head));
    return true;
  }
  bool incomplete =
      !bt_path_rest(rest).len && (bt_str_equal(head, BT_STR("span")) || bt_str_equal(head, BT_STR("resource")));
  if (!incomplete && !bt_str_equal(head, BT_STR("scope"))) return false;
  bt_checker_report(
      checker, BT_E_UNKNOWN, node->range,
      "expected a field of `%.*s`: %.*s.key, %.*s.span.duration, %.*s.resource.key, %.*s.attributes[\"key\"], "
      "%.*s.start or %.*s.end",
      BT_FMT(binding), BT_FMT(binding), BT_FMT(binding), BT_FMT(binding), BT_FMT(binding), BT_FMT(binding),
      BT_FMT(binding));
  return true;
}

static bool resolve_binding(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out) {
  bt_str name = bt_path_head(node->text), rest = bt_path_rest(node->text);
  out->binding = bt_scope_lookup(checker, name, node->range);
  if (out->binding == BT_NO_BINDING) return false;
  if (!rest.len) {
    bt_checker_report(
        checker, BT_E_LONE_BINDING, node->range,
        "`%.*s` is a binding, and a span has no value: write one of its fields, as in %.*s.key or %.*s.start; "
        "quote it if the string is meant",
        BT_FMT(name), BT_FMT(name), BT_FMT(name));
    return false;
  }
  if (report_binding_head(checker, node, name, rest)) return false;
  if (bt_checker_report_dotted_attributes(checker, node, rest)) return false;
  if (bt_str_equal(rest, BT_STR("start"))) return out->kind = BT_FIELD_START, true;
  if (bt_str_equal(rest, BT_STR("end"))) return out->kind = BT_FIELD_END, true;
  bt_str inner = bt_path_rest(rest);
  if (bt_str_equal(bt_path_head(rest), BT_STR("span"))) return resolve_span(checker, node, inner, place, out);
  if (bt_str_equal(bt_path_head(rest), BT_STR("resource"))) return resolve_resource(checker, node, inner, out);
  if (report_glued_minus(checker, node, rest, NULL)) return false;
  *out = (bt_field){.kind = BT_FIELD_EITHER_ATTRIBUTE, .binding = out->binding, .key = rest};
  if (bt_str_equal(rest, BT_STR("duration")))
    bt_checker_duration_key(checker, node, place, out);
  else
    bt_checker_warn_of_intrinsic(checker, node, rest, place);
  return true;
}

/* The attributes of the root are its span's anyway. True: reported. */
static bool report_root_span(bt_checker *checker, const bt_ast *node) {
  if (!bt_str_equal(node->text, BT_STR("trace.root.span.attributes"))) return false;
  bt_diagnostic *added = bt_checker_report(checker, BT_E_UNKNOWN, node->range,
                                           "write an attribute of the root as trace.root.attributes[\"%.*s\"], and "
                                           "one of its resource trace.root.resource.attributes[\"%.*s\"]",
                                           BT_FMT(node->key), BT_FMT(node->key));
  bt_checker_fix(checker, added, node->range, "trace.root.attributes[\"%.*s\"]", BT_FMT(node->key));
  return true;
}

/* `trace_state["vendor"]` without its span. True: reported. */
static bool report_bare_state(bt_checker *checker, const bt_ast *node) {
  if (!bt_str_equal(bt_path_last(node->text), BT_STR("trace_state"))) return false;
  bt_str front = bt_path_front(node->text);
  bool is_bound = front.len && bt_scope_is_binding(checker, front);
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_UNKNOWN, node->range,
                        "a member of the trace state is written span.trace_state[\"%.*s\"], and of a bound span `c` "
                        "c.span.trace_state[\"%.*s\"]",
                        BT_FMT(node->key), BT_FMT(node->key));
  if (!front.len || is_bound)
    bt_checker_fix(checker, added, node->range, "%.*s%sspan.trace_state[\"%.*s\"]", BT_FMT(front), is_bound ? "." : "",
                   BT_FMT(node->key));
  return true;
}

/* `payment.attributes["k"] == 1` outside where(…) is a filter on payment. */
static void report_brackets(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  if (report_root_span(checker, node) || report_bare_state(checker, node)) return;
  bt_str front = bt_path_front(node->text);
  const char *owner = bt_str_ends_with(front, BT_STR(".resource")) ? "resource" : "span";
  if (bt_field_owner_ends(front)) front = bt_path_front(front);
  bt_diagnostic *added = bt_checker_report(
      checker, BT_E_UNKNOWN, node->range,
      "brackets stand behind span.attributes, resource.attributes, scope.attributes, event.attributes, link.attributes "
      "or those "
      "of a binding; an attribute of spans with a name is tested with name.where(span.attributes[\"%.*s\"] …)",
      BT_FMT(node->key));
  bool filter = place->site == BT_SITE_CONDITION && place->whole && place->whole->items[0] == node;
  if (!filter || !front.len || !bt_str_equal(bt_path_last(node->text), BT_STR("attributes"))) return;
  bt_str rest = bt_checker_source(checker, (bt_range){node->range.end, place->whole->range.end});
  bt_checker_fix(checker, added, place->whole->range, "%.*s.where(%s.attributes[\"%.*s\"]%.*s)", BT_FMT(front), owner,
                 BT_FMT(node->key), BT_FMT(rest));
}

/* head.attributes["key"], and span.trace_state["vendor"] */
static bool resolve_index(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out) {
  bt_str front = bt_path_front(node->text), head = bt_path_head(front), inner = bt_path_rest(front);
  bool indexed = bt_str_equal(bt_path_last(node->text), BT_STR("attributes"));
  bool is_state = bt_str_equal(bt_path_last(node->text), BT_STR("trace_state"));
  bool bound = (indexed || is_state) && front.len && bt_scope_is_binding(checker, head);
  bt_str owner = bound ? inner : front;
  is_state = is_state && bt_str_equal(owner, BT_STR("span"));
  out->key = node->key;
  if (is_state)
    out->kind = BT_FIELD_TRACE_STATE;
  else if (indexed && bt_str_equal(owner, BT_STR("span")))
    out->kind = BT_FIELD_SPAN_ATTRIBUTE;
  else if (indexed && bt_str_equal(owner, BT_STR("resource")))
    out->kind = BT_FIELD_RESOURCE_ATTRIBUTE;
  else if (indexed && bound && owner.len == 0)
    out->kind = BT_FIELD_EITHER_ATTRIBUTE;
  else if (indexed && !bound && bt_str_equal(owner, BT_STR("scope")))
    out->kind = BT_FIELD_SCOPE_ATTRIBUTE;
  else if (indexed && !bound && bt_str_equal(owner, BT_STR("event")))
    out->kind = BT_FIELD_EVENT_ATTRIBUTE;
  else if (indexed && !bound && bt_str_equal(owner, BT_STR("link")))
    out->kind = BT_FIELD_LINK_ATTRIBUTE;
  else if (indexed && !bound && bt_str_equal(owner, BT_STR("trace.root")))
    out->kind = BT_FIELD_TRACE_ROOT_ATTRIBUTE;
  else if (indexed && !bound && bt_str_equal(owner, BT_STR("trace.root.resource")))
    out->kind = BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
  else {
    report_brackets(checker, node, place);
    return false;
  }
  if (bound) out->binding = bt_scope_lookup(checker, head, node->range);
  if (bound && out->binding == BT_NO_BINDING) return false;
  if (out->kind == BT_FIELD_LINK_ATTRIBUTE) return bt_checker_allows_link(checker, node, place);
  return out->kind != BT_FIELD_EVENT_ATTRIBUTE || bt_checker_allows_event(checker, node, place, out->kind);
}

static bool resolve_path(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out) {
  bt_str head = bt_path_head(node->text), rest = bt_path_rest(node->text);
  if (bt_scope_is_binding(checker, head)) return resolve_binding(checker, node, place, out);
  if (rest.len) {
    if (bt_str_equal(head, BT_STR("trace"))) return resolve_trace(checker, node, rest, out);
    if (bt_str_equal(head, BT_STR("span"))) return resolve_span(checker, node, rest, place, out);
    if (bt_str_equal(head, BT_STR("resource"))) return resolve_resource(checker, node, rest, out);
    if (bt_str_equal(head, BT_STR("scope"))) return resolve_scope(checker, node, rest, out);
    if (bt_str_equal(head, BT_STR("event"))) return bt_checker_event_field(checker, node, rest, place, out);
    if (bt_str_equal(head, BT_STR("link"))) return bt_checker_link_field(checker, node, rest, place, out);
  }
  return bt_checker_bare_key(checker, node, place, out);
}

/* `service:checkout` where a field or value stands. */
bool bt_checker_report_owned_name(bt_checker *checker, const bt_ast *node) {
  bt_checker_report(checker, BT_E_SYNTAX, node->range,
                    "`%.*s` selects spans and is no value: inside where(…) write span.%s == \"%.*s\"",
                    BT_FMT(bt_checker_source(checker, node->range)),
                    node->owner == BT_NAME_OF_SERVICE ? "service" : "name", BT_FMT(node->text));
  return false;
}

/* `span.attributes["http.request.header.*"]`. */
static bool is_resolved(bt_checker *checker, const bt_ast *node, bool is_known, const bt_field *field) {
  if (is_known && field->kind != BT_FIELD_TRACE_STATE && bt_str_contains(field->key, BT_STR("*")))
    bt_checker_report(
        checker, BT_W_WILDCARD, node->range,
        "keys match exactly, with the star, and few have one: test each key that is meant, joined with or (" BT_NOT_SAID
        "#keys-by-pattern)");
  return is_known;
}

bool bt_checker_field(bt_checker *checker, const bt_ast *node, const bt_place *place, bt_field *out) {
  *out = (bt_field){.binding = BT_NO_BINDING};
  if (place->site == BT_SITE_CONDITION && !bt_checker_says_whose(checker, node)) {
    bt_checker_report_which_span(checker, node, place->whole);
    return false;
  }
  switch ((int)node->kind) {
  case BT_AST_PATH: return is_resolved(checker, node, resolve_path(checker, node, place, out), out);
  case BT_AST_INDEX: return is_resolved(checker, node, resolve_index(checker, node, place, out), out);
  case BT_AST_STRING:
    if (node->owner != BT_NAME_OF_EITHER) return bt_checker_report_owned_name(checker, node);
    return is_resolved(checker, node, bt_checker_bare_key(checker, node, place, out), out);
  case BT_AST_ERROR: return false;
  default:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a field, as in span.duration, amount or span.attributes[\"key\"]");
    return false;
  }
}

static const char *row_at(const field_row *rows, size_t count, size_t i, bt_type *type) {
  if (i + 1 >= count) return NULL; /* the last one is the end */
  *type = bt_field_type(rows[i].kind);
  return rows[i].name;
}

const char *bt_vocabulary_span_field(size_t i, bt_type *type) {
  return row_at(span_fields, sizeof span_fields / sizeof span_fields[0], i, type);
}

const char *bt_vocabulary_trace_field(size_t i, bt_type *type) {
  return row_at(trace_fields, sizeof trace_fields / sizeof trace_fields[0], i, type);
}

const char *bt_vocabulary_scope_field(size_t i, bt_type *type) {
  return row_at(scope_fields, sizeof scope_fields / sizeof scope_fields[0], i, type);
}
