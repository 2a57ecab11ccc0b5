/* From a context to what could be written there. See completion.h. */
#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/ast.h"
#include "dsl/syntax/vocabulary.h"
#include "server/editor/completion_parts.h"
#include "server/editor/language.h"

#include <string.h>

enum { ARENA_CAP_BYTES = 16 * 1024 * 1024 };

/* ---- single items ---- */

void bt_offer_item(bt_offering *o, bt_completion_kind kind, bt_str label, bt_str insert, const char *detail,
                   const char *doc) {
  bt_completion_item item = {.kind = kind, .label = label, .insert = insert, .detail = detail, .doc = doc};
  if (!o->status) o->status = bt_completion_offer(o->out, &item, o->error);
}

static bt_completion_kind kind_of(bt_word_class class) {
  switch (class) {
  case BT_WORD_FUNCTION: return BT_COMPLETION_FUNCTION;
  case BT_WORD_FIELD: return BT_COMPLETION_FIELD;
  case BT_WORD_OPERATOR: return BT_COMPLETION_OPERATOR;
  case BT_WORD_CLAUSE:
  case BT_WORD_LOGIC:
  case BT_WORD_CONSTANT:
  case BT_WORD_RELATION:
  case BT_WORD_PART:
  case BT_WORD_ANNOTATION:
  case BT_WORD_CLASSES: break;
  }
  return BT_COMPLETION_KEYWORD;
}

/* A word of the language behind `front`; functions and where with their bracket, attributes and the trace state with
 * theirs. */
static void offer_word(bt_offering *o, bt_str front, bt_str name, const bt_language_word *word) {
  bt_buffer label = {0}, insert = {0};
  bool is_call = word->class == BT_WORD_FUNCTION || strcmp(word->name, "where") == 0;
  bt_buffer_printf(&label, "%.*s%.*s", BT_FMT(front), BT_FMT(name));
  bool is_index = bt_str_ends_with(bt_buffer_str(&label), BT_STR(".attributes")) ||
                  bt_str_ends_with(bt_buffer_str(&label), BT_STR(".trace_state"));
  bt_buffer_printf(&insert, "%s%s", label.ptr ? label.ptr : "", is_call ? "(" : is_index ? "[\"" : "");
  if (label.failed || insert.failed)
    o->status = bt_error_no_memory(o->error);
  else
    bt_offer_item(o, kind_of(word->class), bt_buffer_str(&label), bt_buffer_str(&insert), word->signature, word->doc);
  bt_buffer_dispose(&label);
  bt_buffer_dispose(&insert);
}

void bt_offer_named(bt_offering *o, bt_str front, const char *name) {
  bt_language_word word;
  if (bt_language_find(bt_str_from(name), 0, &word)) offer_word(o, front, bt_str_from(name), &word);
}

/* All words of these classes whose name begins with `head`; the head stands in `front` already when `is_cut`. */
/* Inside event.where(…) no field of a link can stand, and the other way round. */
static bool is_of_other_part(const bt_offering *o, bt_str name) {
  return (o->context->site == BT_AT_EVENT && bt_str_starts_with(name, BT_STR("link."))) ||
         (o->context->site == BT_AT_LINK && bt_str_starts_with(name, BT_STR("event.")));
}

void bt_offer_words(bt_offering *o, unsigned classes, const char *head, bt_str front, bool is_cut) {
  bt_language_word word;
  size_t length = strlen(head);
  for (size_t i = 0; !o->status && bt_language_word_at(i, &word); i++) {
    bt_str name = bt_str_from(word.name);
    if (!(classes & (1U << word.class)) || !bt_str_starts_with(name, bt_str_from(head))) continue;
    if (is_of_other_part(o, name)) continue;
    offer_word(o, front, is_cut ? (bt_str){name.ptr + length, name.len - length} : name, &word);
  }
}

void bt_offer_want(bt_offering *o, bt_completion_want want) {
  if (o->out->want_count < BT_COMPLETION_MAX_WANTS) o->out->wants[o->out->want_count++] = want;
}

/* ---- names of spans and fields ---- */

static void want_selections(bt_offering *o) {
  bt_want_form form = o->context->quote ? BT_FORM_INSIDE : BT_FORM_NAME;
  bt_offer_want(o, (bt_completion_want){.of = BT_WANT_SPAN_NAMES, .kind = BT_COMPLETION_SPAN, .form = form});
  bt_offer_want(o, (bt_completion_want){.of = BT_WANT_SERVICES, .kind = BT_COMPLETION_SERVICE, .form = form});
}

static void want_attributes(bt_offering *o, bt_want_of of, bt_str front, const char *brackets) {
  bt_offer_want(o, (bt_completion_want){.of = of,
                                        .kind = BT_COMPLETION_ATTRIBUTE,
                                        .form = o->context->quote ? BT_FORM_INSIDE : BT_FORM_FIELD,
                                        .front = front,
                                        .brackets = bt_str_from(brackets)});
}

void bt_offer_bindings(bt_offering *o) {
  for (size_t i = 0; i < o->context->binding_count; i++)
    bt_offer_item(o, BT_COMPLETION_BINDING, o->context->bindings[i], o->context->bindings[i], "binding",
                  "A span that `as` has bound.");
}

/* `front` and the text, in the completion's memory. */
bt_str bt_offer_joined(bt_offering *o, bt_str front, const char *text) {
  bt_buffer buffer = {0};
  bt_str kept = {0};
  bt_buffer_printf(&buffer, "%.*s%s", BT_FMT(front), text);
  if (buffer.failed || !bt_arena_copy(&o->out->arena, bt_buffer_str(&buffer), &kept))
    o->status = bt_error_no_memory(o->error);
  bt_buffer_dispose(&buffer);
  return kept;
}

/* Behind "c.": fields of a bound span. */
static void offer_bound(bt_offering *o, bt_str name) {
  bt_str front = bt_offer_joined(o, name, "."), span = bt_offer_joined(o, name, ".span."),
         resource = bt_offer_joined(o, name, ".resource.");
  if (o->status) return;
  bt_str rest = {o->context->typed.ptr + front.len, o->context->typed.len - front.len};
  if (bt_str_starts_with(rest, BT_STR("span."))) {
    want_attributes(o, BT_WANT_SPAN_ATTRIBUTES, span, bt_offer_joined(o, name, ".span.attributes").ptr);
  } else if (bt_str_starts_with(rest, BT_STR("resource."))) {
    want_attributes(o, BT_WANT_RESOURCE_ATTRIBUTES, resource, bt_offer_joined(o, name, ".resource.attributes").ptr);
  } else {
    want_attributes(o, BT_WANT_ANY_ATTRIBUTES, front, bt_offer_joined(o, name, ".attributes").ptr);
  }
  bt_offer_item(o, BT_COMPLETION_FIELD, bt_offer_joined(o, front, "start"), bt_offer_joined(o, front, "start"), "time",
                "Start of the bound span.");
  bt_offer_item(o, BT_COMPLETION_FIELD, bt_offer_joined(o, front, "end"), bt_offer_joined(o, front, "end"), "time",
                "End of the bound span.");
  bt_offer_item(o, BT_COMPLETION_FIELD, bt_offer_joined(o, front, "attributes"),
                bt_offer_joined(o, front, "attributes[\""), "attribute",
                "Attribute of the bound span, whatever its name.");
  if (o->context->site == BT_AT_CONDITION || o->context->site == BT_AT_OPERAND) bt_offer_named(o, front, "where");
  bt_offer_words(o, BT_CLASS(FIELD), "span.", span, true);
}

/* Behind a dot: what belongs to its head. */
void bt_offer_dotted(bt_offering *o) {
  bt_str typed = o->context->typed, head = bt_path_head(typed), front = bt_path_front(typed);
  if (bt_context_is_binding(o->context, head)) {
    offer_bound(o, head);
  } else if (bt_str_equal(head, BT_STR("span"))) {
    want_attributes(o, BT_WANT_SPAN_ATTRIBUTES, BT_STR("span."), "span.attributes");
  } else if (bt_str_equal(head, BT_STR("resource"))) {
    bt_offer_item(o, BT_COMPLETION_FIELD, BT_STR("resource.service.name"), BT_STR("resource.service.name"), "string",
                  "Name of the span's service.");
    want_attributes(o, BT_WANT_RESOURCE_ATTRIBUTES, BT_STR("resource."), "resource.attributes");
  } else if (bt_str_equal(head, BT_STR("event"))) {
    want_attributes(o, BT_WANT_EVENT_ATTRIBUTES, BT_STR("event."), "event.attributes");
  } else if (bt_str_equal(head, BT_STR("link"))) {
    want_attributes(o, BT_WANT_LINK_ATTRIBUTES, BT_STR("link."), "link.attributes");
  } else if (!bt_str_equal(head, BT_STR("scope")) && !bt_str_equal(head, BT_STR("trace")) && front.len) {
    bool is_selection = o->context->site == BT_AT_CONDITION || o->context->site == BT_AT_OPERAND;
    if (is_selection) bt_offer_named(o, bt_offer_joined(o, front, "."), "where");
    if (o->context->site == BT_AT_CONDITION && !o->status)
      bt_offer_want(o, (bt_completion_want){.of = BT_WANT_ANY_ATTRIBUTES,
                                            .kind = BT_COMPLETION_ATTRIBUTE,
                                            .form = BT_FORM_DIRECT,
                                            .front = bt_offer_joined(o, front, ".")});
  }
}

/* ---- the sites of an operand ---- */

static void offer_fields(bt_offering *o) {
  bt_offer_words(o, BT_CLASS(FIELD), "", BT_STR(""), false);
  bt_offer_bindings(o);
  bool has_head = o->context->typed.len && bt_path_front(o->context->typed).len;
  static const char *const heads[] = {"span", "resource", "scope", "event", "link", "trace"};
  bt_str head = bt_path_head(o->context->typed);
  for (size_t i = 0; has_head && i < sizeof heads / sizeof heads[0]; i++)
    if (bt_str_equal(head, bt_str_from(heads[i]))) return;
  if (has_head && bt_context_is_binding(o->context, head)) return;
  if (o->context->site == BT_AT_EVENT)
    want_attributes(o, BT_WANT_EVENT_ATTRIBUTES, BT_STR("event."), "event.attributes");
  else if (o->context->site == BT_AT_LINK)
    want_attributes(o, BT_WANT_LINK_ATTRIBUTES, BT_STR("link."), "link.attributes");
  else
    want_attributes(o, BT_WANT_ANY_ATTRIBUTES, BT_STR(""), "");
}

void bt_offer_function(bt_offering *o, const char *name) {
  bt_offer_named(o, BT_STR(""), name);
}

void bt_offer_functions(bt_offering *o, bt_function_class class) {
  const bt_function_row *row = NULL;
  const bt_function_word *word = NULL;
  for (size_t i = 0; !o->status && (word = bt_function_word_at(i, &row)) != NULL; i++)
    if (row->class == class) bt_offer_function(o, word->name);
}

static void offer_condition(bt_offering *o) {
  static const bt_function_class classes[] = {BT_SELECTS_SPANS, BT_PICKS_SPAN, BT_ORDERS_SPANS, BT_TESTS_EVERY,
                                              BT_AGGREGATES};
  for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) bt_offer_functions(o, classes[i]);
  bt_offer_words(o, BT_CLASS(CONSTANT), "", BT_STR(""), false);
  bt_offer_words(o, BT_CLASS(FIELD), "trace.", BT_STR(""), false);
  bt_offer_function(o, "not");
  bt_offer_bindings(o);
  bt_offer_dotted(o);
  want_selections(o);
}

static void offer_test(bt_offering *o) {
  bt_editor_site site = o->context->site;
  if (site == BT_AT_VALUE) {
    bt_offer_functions(o, BT_AGGREGATES);
  } else if (site != BT_AT_FIELD) {
    bt_offer_words(o, BT_CLASS(CONSTANT), "", BT_STR(""), false);
    bt_offer_function(o, "not");
    bt_offer_functions(o, BT_TESTS_FIELD);
    if (site != BT_AT_EVENT && site != BT_AT_LINK) {
      bt_offer_function(o, "event.where"), bt_offer_function(o, "link.where");
      bt_offer_functions(o, BT_COUNTS_PARTS);
    }
  }
  if (site == BT_AT_OPERAND) {
    bt_offer_functions(o, BT_SELECTS_SPANS);
    bt_offer_functions(o, BT_PICKS_SPAN);
    want_selections(o);
  }
  bt_offer_dotted(o);
  offer_fields(o);
}

/* Inside a string that is an operand: a span's name, or the key of an attribute. */
static void offer_operand_string(bt_offering *o) {
  bt_editor_site site = o->context->site;
  if (site == BT_AT_CONDITION || site == BT_AT_OPERAND) want_selections(o);
  if (site != BT_AT_CONDITION) want_attributes(o, BT_WANT_ANY_ATTRIBUTES, BT_STR(""), "");
}

static void offer_operand(bt_offering *o) {
  if (o->context->quote)
    offer_operand_string(o);
  else if (o->context->site == BT_AT_CONDITION)
    offer_condition(o);
  else
    offer_test(o);
}

/* ---- other places ---- */

static void offer_operators(bt_offering *o) {
  bt_language_word word;
  for (size_t i = 0; !o->status && bt_language_word_at(i, &word); i++) {
    bool is_sign = strlen(word.name) == 1 && strchr("+-*/", word.name[0]);
    if (word.class == BT_WORD_OPERATOR && (is_sign ? o->context->can_calculate : o->context->can_compare))
      offer_word(o, BT_STR(""), bt_str_from(word.name), &word);
  }
}

/* What stands behind event.time. */
static void offer_orders(bt_offering *o) {
  const bt_relation_row *row = NULL;
  for (size_t i = 0; (row = bt_relation_row_at(i)) != NULL; i++)
    if (row->class == BT_RELATES_TIMES) bt_offer_function(o, row->name);
}

static void offer_after(bt_offering *o) {
  const bt_context *context = o->context;
  bt_language_word word;
  if (context->is_not_in) {
    bt_offer_item(o, BT_COMPLETION_OPERATOR, BT_STR("in"), BT_STR("in"), "field not in [a, b]", NULL);
    return;
  }
  if (context->needs_and) {
    bt_offer_function(o, "and");
    return;
  }
  if (context->can_of) bt_offer_function(o, "of");
  if (context->can_over) bt_offer_function(o, "over");
  if (context->can_join)
    bt_offer_words(o, BT_CLASS(LOGIC), "and", BT_STR(""), false),
        bt_offer_words(o, BT_CLASS(LOGIC), "or", BT_STR(""), false);
  offer_operators(o);
  if (context->can_relate) {
    bt_offer_words(o, BT_CLASS(RELATION), "", BT_STR(""), false);
    bt_offer_function(o, "where");
    if (context->site == BT_AT_CONDITION) bt_offer_function(o, "as");
  } else if (context->is_event_time) {
    offer_orders(o);
  } else if (context->can_within && bt_language_find(BT_STR("within"), 0, &word)) {
    offer_word(o, BT_STR(""), BT_STR("within"), &word);
  }
}

static void offer_clause(bt_offering *o, const char *name) {
  bt_language_word word;
  if (bt_language_find(bt_str_from(name), BT_CLASS(CLAUSE), &word))
    bt_offer_item(o, BT_COMPLETION_CLAUSE, bt_str_from(name), bt_offer_joined(o, bt_str_from(name), " { "),
                  word.signature, word.doc);
}

static void offer_clauses(bt_offering *o) {
  for (size_t i = 0; bt_vocabulary_clause(i); i++)
    if (!o->context->has_clause[i]) offer_clause(o, bt_vocabulary_clause(i));
}

static void offer_annotations(bt_offering *o) {
  static const char *const frameworks[] = {"SOC2",    "HIPAA", "GDPR", "PCI", "ISO27001",
                                           "FedRAMP", "NIST",  "SOX",  "CCPA"};
  bt_offer_function(o, "severity");
  bt_offer_function(o, "semconv");
  bt_offer_function(o, "coarse_clocks");
  bt_offer_function(o, "alias");
  bt_offer_item(o, BT_COMPLETION_KEYWORD, BT_STR("name"), BT_STR("name("), "@name(word = `span(test)`)",
                "The word stands for these spans, wherever the rule says it without quotes.");
  for (size_t i = 0; i < sizeof frameworks / sizeof frameworks[0]; i++)
    bt_offer_item(o, BT_COMPLETION_KEYWORD, bt_str_from(frameworks[i]),
                  bt_offer_joined(o, bt_str_from(frameworks[i]), "(controls = {"), "@framework(controls = {…})",
                  "The rule shows that controls of this framework hold.");
}

static void offer_annotation_items(bt_offering *o) {
  bool is_own =
      bt_str_equal(o->context->annotation, BT_STR("alias")) || bt_str_equal(o->context->annotation, BT_STR("name"));
  if (is_own) return; /* keys, which only traces know, and words of one's own */
  if (bt_str_equal(o->context->annotation, BT_STR("semconv"))) {
    bt_offer_item(o, BT_COMPLETION_VALUE, BT_STR("stable"), BT_STR("stable"), "every name that is known", NULL);
    return;
  }
  if (bt_str_equal(o->context->annotation, BT_STR("coarse_clocks"))) {
    bt_offer_item(o, BT_COMPLETION_VALUE, BT_STR("unknown"), BT_STR("unknown"), "equal starts have no known order",
                  NULL);
    bt_offer_item(o, BT_COMPLETION_VALUE, BT_STR("exact"), BT_STR("exact"), "equal starts are as written", NULL);
    return;
  }
  if (!bt_str_equal(o->context->annotation, BT_STR("severity"))) {
    bt_offer_item(o, BT_COMPLETION_KEYWORD, BT_STR("controls"), BT_STR("controls = {"), "controls = {CC6_1}",
                  "Controls of the framework; _ stands for a dot, and what is no identifier is quoted.");
    return;
  }
  for (size_t i = 0; bt_vocabulary_severity(i); i++)
    bt_offer_item(o, BT_COMPLETION_VALUE, bt_str_from(bt_vocabulary_severity(i)),
                  bt_str_from(bt_vocabulary_severity(i)), "severity", NULL);
}

/* Points for event.time are times of spans that are known. */
static void offer_times(bt_offering *o) {
  static const char *const names[] = {"span.start", "span.end", "trace.start", "trace.end"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) bt_offer_function(o, names[i]);
}

static void offer_point(bt_offering *o) {
  bool is_of_event = o->context->is_event_time;
  if (!is_of_event) want_selections(o);
  if (o->context->quote) return;
  if (is_of_event)
    offer_times(o);
  else
    bt_offer_functions(o, BT_PICKS_SPAN);
  bt_offer_bindings(o);
  bt_str head = bt_path_head(o->context->typed);
  if (!bt_path_front(o->context->typed).len || !bt_context_is_binding(o->context, head)) return;
  bt_offer_item(o, BT_COMPLETION_FIELD, bt_offer_joined(o, head, ".start"), bt_offer_joined(o, head, ".start"), "time",
                "Start of the bound span.");
  bt_offer_item(o, BT_COMPLETION_FIELD, bt_offer_joined(o, head, ".end"), bt_offer_joined(o, head, ".end"), "time",
                "End of the bound span.");
}

static void offer_all(bt_offering *o) {
  bool is_string = o->context->quote != '\0';
  switch (o->context->expect) {
  case BT_EXPECT_NOTHING: return;
  case BT_EXPECT_RULE:
    if (!is_string) offer_clauses(o);
    offer_operand(o);
    return;
  case BT_EXPECT_CLAUSE:
    if (!is_string) offer_clauses(o);
    return;
  case BT_EXPECT_OPERAND: offer_operand(o); return;
  case BT_EXPECT_AFTER:
    if (!is_string) offer_after(o);
    return;
  case BT_EXPECT_VALUE: bt_offer_value(o); return;
  case BT_EXPECT_POINT: offer_point(o); return;
  case BT_EXPECT_DURATION:
    if (!is_string) bt_offer_durations(o);
    return;
  case BT_EXPECT_OF: bt_offer_function(o, "of"); return;
  case BT_EXPECT_TO:
    bt_offer_function(o, "to");
    bt_offer_function(o, "from");
    return;
  case BT_EXPECT_LINKS:
    bt_offer_function(o, "links");
    bt_offer_function(o, "link");
    return;
  case BT_EXPECT_PART:
    if (!o->context->is_point) bt_offer_function(o, "where");
    if (!o->context->is_point) return;
    bt_offer_item(o, BT_COMPLETION_FIELD, BT_STR("start"), BT_STR("start"), "time", "The point where the span starts.");
    bt_offer_item(o, BT_COMPLETION_FIELD, BT_STR("end"), BT_STR("end"), "time", "The point where the span ends.");
    return;
  case BT_EXPECT_KEY:
    if (is_string && bt_index_is_attributes(o->context->index))
      want_attributes(o, bt_index_attributes(o->context, o->context->index), BT_STR(""), "");
    return;
  case BT_EXPECT_ANNOTATION: offer_annotations(o); return;
  case BT_EXPECT_ANNOTATION_ITEM: offer_annotation_items(o); return;
  }
}

/* ---- the request ---- */

/* What was typed of a string, without its escapes; a rough reading, since it is only compared. */
static bt_status keep_typed(bt_completion *out, const bt_context *context, bt_error *error) {
  if (!bt_arena_copy(&out->arena, context->typed, &out->typed)) return bt_error_no_memory(error);
  if (context->quote != '"') return BT_OK;
  char *text = (char *)(uintptr_t)out->typed.ptr; /* the copy is ours */
  size_t length = 0;
  for (size_t i = 0; i < out->typed.len; i++) {
    if (text[i] == '\\' && i + 1 < out->typed.len) i++;
    text[length++] = text[i];
  }
  out->typed.len = length;
  return BT_OK;
}

static bt_status check_limits(bt_str text, size_t offset, bt_error *error) {
  if (text.len > BT_MAX_RULE_BYTES)
    return bt_error_set(error, BT_INVALID, "dsl: expected at most %d bytes, got %zu", BT_MAX_RULE_BYTES, text.len);
  if (offset > text.len)
    return bt_error_set(error, BT_INVALID, "offset: expected at most %zu, the end of the text, got %zu", text.len,
                        offset);
  return BT_OK;
}

bt_status bt_completion_run(bt_str text, size_t offset, const bt_own_names *beside, bt_completion *out,
                            bt_error *error) {
  *out = (bt_completion){0};
  bt_arena_init(&out->arena, ARENA_CAP_BYTES);
  bt_status status = check_limits(text, offset, error);
  if (status) return status;
  while (offset && offset < text.len && ((unsigned char)text.ptr[offset] & 0xC0) == 0x80) offset--;
  bt_context context;
  status = bt_context_find(text, offset, &out->arena, &context, error);
  if (status) return status;
  out->range = context.word;
  out->quote = context.quote;
  out->is_closed = context.is_closed;
  status = keep_typed(out, &context, error);
  bt_offering o = {.out = out, .context = &context, .error = error, .status = status};
  if (!status) offer_all(&o);
  if (!o.status) o.status = bt_completion_offer_own(out, text, beside, error);
  bt_completion_sort(out);
  return o.status;
}
