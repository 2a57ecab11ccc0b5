/* What could stand on the right of a comparison: values of the field on its left, durations, fields of the same span.
 * See completion.h. */
#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/ast.h"
#include "dsl/syntax/vocabulary.h"
#include "server/editor/completion_parts.h"
#include "server/editor/language.h"

#include <string.h>

static void offer_values_of(bt_offering *o, const char *(*source)(size_t i), const char *detail) {
  for (size_t i = 0; source(i); i++) {
    bt_str value = bt_str_from(source(i));
    bt_str quoted = bt_offer_joined(o, BT_STR("\""), source(i));
    bt_str closed = o->context->quote && o->context->is_closed
                        ? value
                        : bt_offer_joined(o, value, o->context->quote == '`' ? "`" : "\"");
    if (o->status) return;
    bt_offer_item(o, BT_COMPLETION_VALUE, value, o->context->quote ? closed : bt_offer_joined(o, quoted, "\""), detail,
                  NULL);
  }
}

static void want_values(bt_offering *o, bt_want_of of, bt_str key) {
  bt_offer_want(o, (bt_completion_want){.of = of,
                                        .key = key,
                                        .kind = BT_COMPLETION_VALUE,
                                        .form = o->context->quote ? BT_FORM_INSIDE : BT_FORM_VALUE});
}

static bool head_attributes(bt_str head, bt_want_of *of) {
  if (bt_str_equal(head, BT_STR("span"))) return *of = BT_WANT_SPAN_ATTRIBUTES, true;
  if (bt_str_equal(head, BT_STR("resource"))) return *of = BT_WANT_RESOURCE_ATTRIBUTES, true;
  if (bt_str_equal(head, BT_STR("event"))) return *of = BT_WANT_EVENT_ATTRIBUTES, true;
  if (bt_str_equal(head, BT_STR("link"))) return *of = BT_WANT_LINK_ATTRIBUTES, true;
  if (bt_str_equal(head, BT_STR("scope"))) return *of = BT_WANT_SCOPE_ATTRIBUTES, true;
  return *of = BT_WANT_ANY_ATTRIBUTES, false;
}

static void offer_span_values(bt_offering *o, bt_str field) {
  bt_language_word word;
  bt_str full = bt_offer_joined(o, BT_STR("span."), "");
  if (bt_str_equal(field, BT_STR("kind"))) {
    offer_values_of(o, bt_vocabulary_kind, "span.kind");
  } else if (bt_str_equal(field, BT_STR("status"))) {
    offer_values_of(o, bt_vocabulary_status, "span.status");
  } else if (bt_str_equal(field, BT_STR("name"))) {
    want_values(o, BT_WANT_SPAN_NAMES, (bt_str){0});
  } else if (bt_str_equal(field, BT_STR("service"))) {
    want_values(o, BT_WANT_SERVICES, (bt_str){0});
  } else if (bt_str_equal(field, BT_STR("status_message"))) {
    want_values(o, BT_WANT_STATUS_MESSAGES, (bt_str){0});
  } else {
    bt_buffer name = {0};
    bt_buffer_printf(&name, "%.*s%.*s", BT_FMT(full), BT_FMT(field));
    bool is_intrinsic = !name.failed && bt_language_find(bt_buffer_str(&name), BT_CLASS(FIELD), &word);
    bt_buffer_dispose(&name);
    if (!is_intrinsic) want_values(o, BT_WANT_SPAN_ATTRIBUTES, field);
  }
}

/* Values of a field that is written as a path. */
static void offer_path_values(bt_offering *o, bt_str path) {
  bt_str head = bt_path_head(path), rest = bt_path_rest(path);
  bt_want_of of;
  if (rest.len && bt_context_is_binding(o->context, head)) {
    if (bt_str_equal(bt_path_head(rest), BT_STR("span")) || bt_str_equal(bt_path_head(rest), BT_STR("resource")))
      offer_path_values(o, rest);
    else
      want_values(o, BT_WANT_ANY_ATTRIBUTES, rest);
  } else if (rest.len && bt_str_equal(head, BT_STR("span"))) {
    offer_span_values(o, rest);
  } else if (bt_str_equal(path, BT_STR("resource.service.name")) || bt_str_equal(path, BT_STR("trace.root.service"))) {
    want_values(o, BT_WANT_SERVICES, (bt_str){0});
  } else if (bt_str_equal(path, BT_STR("trace.root.name"))) {
    want_values(o, BT_WANT_SPAN_NAMES, (bt_str){0});
  } else if (rest.len && head_attributes(head, &of)) {
    bool is_field = bt_str_equal(path, BT_STR("event.name")) || bt_str_equal(path, BT_STR("event.time")) ||
                    bt_str_equal(path, BT_STR("link.trace_id")) || bt_str_equal(path, BT_STR("link.span_id"));
    if (of != BT_WANT_SCOPE_ATTRIBUTES && !is_field) want_values(o, of, rest);
  } else if (!bt_str_equal(head, BT_STR("trace"))) {
    want_values(o, BT_WANT_ANY_ATTRIBUTES, o->context->site == BT_AT_CONDITION ? bt_path_last(path) : path);
  }
}

bool bt_index_is_attributes(bt_str path) {
  return !bt_str_equal(bt_path_last(path), BT_STR("trace_state"));
}

/* Values of head.attributes["key"]; the head may be a binding's. */
bt_want_of bt_index_attributes(const bt_context *context, bt_str path) {
  bt_want_of of;
  bt_str front = bt_path_front(path);
  if (bt_context_is_binding(context, bt_path_head(front))) front = bt_path_rest(front);
  head_attributes(front, &of);
  return of;
}

static void offer_left_values(bt_offering *o) {
  const bt_context *context = o->context;
  switch (context->left_kind) {
  case BT_LEFT_PATH: offer_path_values(o, context->left); return;
  case BT_LEFT_STRING: want_values(o, BT_WANT_ANY_ATTRIBUTES, context->left); return;
  case BT_LEFT_INDEX:
    if (!bt_index_is_attributes(context->left)) return;
    want_values(o, bt_index_attributes(context, context->left), context->left_key);
    return;
  case BT_LEFT_NONE:
  case BT_LEFT_OTHER: return;
  }
}

void bt_offer_durations(bt_offering *o) {
  static const char *const some[] = {"100ms", "500ms", "1s", "5s", "1m"};
  bt_str typed = o->context->typed;
  size_t digits = 0;
  while (digits < typed.len && (typed.ptr[digits] == '.' || (typed.ptr[digits] >= '0' && typed.ptr[digits] <= '9')))
    digits++;
  if (digits && typed.ptr[digits - 1] == '.') return;
  bt_str number = {typed.ptr, digits};
  for (size_t i = 0; !digits && i < sizeof some / sizeof some[0]; i++)
    bt_offer_item(o, BT_COMPLETION_VALUE, bt_str_from(some[i]), bt_str_from(some[i]), "duration", NULL);
  for (size_t i = 0; digits && bt_vocabulary_unit(i) && !o->status; i++) {
    bt_str duration = bt_offer_joined(o, number, bt_vocabulary_unit(i));
    bool is_ascii = (unsigned char)bt_vocabulary_unit(i)[0] < 0x80;
    if (is_ascii) bt_offer_item(o, BT_COMPLETION_VALUE, duration, duration, "duration", NULL);
  }
}

/* An attribute has no unit; of what is computed nothing is known. */
static bool may_be_duration(const bt_context *context) {
  if (context->left_kind == BT_LEFT_OTHER) return true;
  return context->left_kind == BT_LEFT_PATH && bt_str_equal(bt_path_last(context->left), BT_STR("duration"));
}

void bt_offer_value(bt_offering *o) {
  offer_left_values(o);
  if (o->context->quote) return;
  if (o->context->is_number) {
    if (may_be_duration(o->context)) bt_offer_durations(o);
    return;
  }
  bt_offer_words(o, BT_CLASS(CONSTANT), "", BT_STR(""), false);
  bt_offer_words(o, BT_CLASS(FIELD), "trace.", BT_STR(""), false);
  if (o->context->site != BT_AT_CONDITION) { /* of the same span; events have no single value */
    bt_offer_words(o, BT_CLASS(FIELD), "span.", BT_STR(""), false);
    bt_offer_words(o, BT_CLASS(FIELD), "resource.", BT_STR(""), false);
    bt_offer_words(o, BT_CLASS(FIELD), "scope.", BT_STR(""), false);
  }
  if (o->context->site == BT_AT_OPERAND || o->context->site == BT_AT_WHERE) bt_offer_functions(o, BT_COUNTS_PARTS);
  bt_offer_bindings(o);
  bool is_owned =
      bt_path_front(o->context->typed).len && (bt_str_starts_with(o->context->typed, BT_STR("span.")) ||
                                               bt_str_starts_with(o->context->typed, BT_STR("resource.")) ||
                                               bt_context_is_binding(o->context, bt_path_head(o->context->typed)));
  if (is_owned) bt_offer_dotted(o);
  bt_offer_functions(o, BT_AGGREGATES);
}
