/* Notes about data. See data_notes.h. */
#include "dsl/evaluate/data_notes.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/absent_names.h"
#include "dsl/evaluate/cut_comparison.h"
#include "dsl/evaluate/met_names.h"
#include "dsl/evaluate/missing_pairs.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/text_number.h"
#include "dsl/trace/untyped_text.h"

typedef enum note_kind { NOTE_NAME, NOTE_VALUE } note_kind;

/* What a value is that a test can make nothing of. */
typedef enum unfit { UNFIT_STRING, UNFIT_NUMBER, UNFIT_BOOLEAN, UNFIT_OTHER, UNFIT_KINDS } unfit;

typedef struct note {
  note_kind kind;
  const bt_predicate *predicate;              /* the name, or the test of a field */
  const bt_field *field;                      /* VALUE */
  const bt_selection *selection;              /* VALUE: whose spans are looked at; NAME: of a binding, or NULL */
  uint64_t by_name, by_service, by_attribute; /* NAME; the last: spans that have an attribute called so */
  uint64_t present, unfit[UNFIT_KINDS];       /* VALUE: spans; each stands once among the unfit */
  uint64_t open; /* VALUE: spans of which a text that may have been cut leaves the test open */
} note;

struct bt_data_notes {
  const bt_rule *rule;
  bt_absent_names *absent;
  bt_met_names *met_names;
  bt_missing_pairs *pairs;
  bool are_of_some;        /* then absent names are not said */
  uint64_t verdicts, tied; /* that were taken; that hang on starts of one millisecond */
  char tied_service[64];   /* of one of these; a longer name is cut */
  note *items;
  size_t count, capacity;
  bool no_memory;
};

static void add_note(bt_data_notes *notes, note added) {
  note *grown = bt_grow_array(notes->items, notes->count, &notes->capacity, sizeof *grown);
  if (!grown) {
    notes->no_memory = true;
    return;
  }
  notes->items = grown;
  notes->items[notes->count++] = added;
}

static void note_name(void *context, const bt_predicate *predicate) {
  if (predicate->kind == BT_PREDICATE_NAMED) add_note(context, (note){.kind = NOTE_NAME, .predicate = predicate});
}

/* The items of a conjunction, or the one test that it is. */
static const bt_predicate *const *items_of(const bt_predicate *const *predicate, uint32_t *count) {
  bool is_all = (*predicate)->kind == BT_PREDICATE_AND;
  *count = is_all ? (*predicate)->item_count : 1;
  return is_all ? (*predicate)->items : predicate;
}

static bool is_own_attribute(const bt_field *field) {
  bt_field_kind kind = field->kind;
  return field->binding == BT_NO_BINDING &&
         (kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE ||
          kind == BT_FIELD_SCOPE_ATTRIBUTE || kind == BT_FIELD_EVENT_ATTRIBUTE || kind == BT_FIELD_LINK_ATTRIBUTE);
}

static bool has_literals(const bt_comparison *comparison) {
  for (uint32_t i = 0; i < comparison->list_count; i++)
    if (comparison->list[i]->kind != BT_EXPRESSION_LITERAL) return false;
  return comparison->right ? comparison->right->kind == BT_EXPRESSION_LITERAL : comparison->list_count > 0;
}

/* What it tests, of the span itself and against nothing but literals; else NULL. */
static const bt_field *tested_field(const bt_predicate *predicate) {
  const bt_comparison *comparison = &predicate->comparison;
  const bt_field *field = NULL;
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE) field = &predicate->field;
  if (predicate->kind == BT_PREDICATE_COMPARE && comparison->left->kind == BT_EXPRESSION_FIELD &&
      has_literals(comparison))
    field = &comparison->left->field;
  return field && is_own_attribute(field) ? field : NULL;
}

/* In and, or and not, at any depth, and in event.where and link.where. */
static void note_values(bt_data_notes *notes, const bt_selection *selection, const bt_predicate *predicate) {
  const bt_field *field = tested_field(predicate);
  if (field)
    add_note(notes, (note){.kind = NOTE_VALUE, .predicate = predicate, .field = field, .selection = selection});
  for (uint32_t i = 0; i < predicate->item_count; i++) note_values(notes, selection, predicate->items[i]);
}

static void note_selection(void *context, const bt_selection *selection) {
  note_values(context, selection, selection->predicate);
}

/* Which names stand in a selection that is bound: there each span of a service is a choice of its own. */
static void mark_bound(bt_data_notes *notes, const bt_condition *condition) {
  if (!condition) return;
  for (uint32_t i = 0; i < condition->item_count; i++) mark_bound(notes, condition->items[i]);
  if (condition->kind != BT_CONDITION_EXISTS || condition->binding == BT_NO_BINDING) return;
  uint32_t count;
  const bt_predicate *const *items = items_of(&condition->selection->predicate, &count);
  for (size_t i = 0; i < notes->count; i++)
    for (uint32_t k = 0; k < count; k++)
      if (notes->items[i].kind == NOTE_NAME && notes->items[i].predicate == items[k])
        notes->items[i].selection = condition->selection;
}

static int by_place(const void *a, const void *b) {
  uint32_t x = ((const note *)a)->predicate->range.start, y = ((const note *)b)->predicate->range.start;
  return x < y ? -1 : x > y;
}

bt_status bt_data_notes_new(const bt_rule *rule, bt_data_notes **out, bt_error *error) {
  *out = NULL;
  bt_data_notes *notes = calloc(1, sizeof *notes);
  if (!notes) return bt_error_no_memory(error);
  notes->rule = rule;
  bt_rule_visitor visitor = {.on_predicate = note_name, .on_selection = note_selection, .context = notes};
  bt_rule_walk(rule, &visitor);
  mark_bound(notes, rule->when);
  mark_bound(notes, rule->always);
  mark_bound(notes, rule->never);
  mark_bound(notes, rule->condition);
  if (notes->no_memory || bt_absent_names_new(rule, &notes->absent, NULL) ||
      bt_met_names_new(rule, &notes->met_names, NULL) || bt_missing_pairs_new(rule, &notes->pairs, NULL)) {
    bt_data_notes_free(notes);
    return bt_error_no_memory(error);
  }
  if (notes->count) qsort(notes->items, notes->count, sizeof *notes->items, by_place);
  *out = notes;
  return BT_OK;
}

void bt_data_notes_free(bt_data_notes *notes) {
  if (!notes) return;
  bt_absent_names_free(notes->absent);
  bt_met_names_free(notes->met_names);
  bt_missing_pairs_free(notes->pairs);
  free(notes->items);
  free(notes);
}

void bt_data_notes_are_of_some(bt_data_notes *notes) {
  notes->are_of_some = true;
}

static bool has_service(const bt_span *span, bt_str name) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_field field = {.kind = BT_FIELD_SERVICE, .binding = BT_NO_BINDING};
  bt_value value = bt_field_value(span, &field, NULL, id_text);
  return value.type == BT_VALUE_STRING && bt_str_equal(value.string, name);
}

static bool has_attribute(const bt_attributes *attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, key)) return true;
  return false;
}

static void look_at_name(note *n, const bt_span *span) {
  bt_str name = n->predicate->name;
  if (bt_str_equal(span->name, name))
    n->by_name++;
  else if (has_service(span, name))
    n->by_service++;
  else if (!n->by_name && !n->by_service &&
           (has_attribute(&span->attributes, name) || has_attribute(&span->resource->attributes, name)))
    n->by_attribute++;
}

/* The names of the same selection; what else it asks for does not matter here. */
static bool is_named_so(const bt_selection *selection, const bt_span *span) {
  uint32_t count;
  const bt_predicate *const *items = items_of(&selection->predicate, &count);
  for (uint32_t i = 0; i < count; i++) {
    bt_str name = items[i]->name;
    if (items[i]->kind == BT_PREDICATE_NAMED && !bt_str_equal(span->name, name) && !has_service(span, name))
      return false;
  }
  return true;
}

/* ---- values ---- */

static bool is_of_texts(bt_comparison_operator op) {
  return op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_ENDS_WITH || op == BT_MATCHES ||
         op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE;
}

/* A scalar: as dsl.md §5 has it, the operator can make something of the two. */
static bool fits_literal(bt_comparison_operator op, const bt_value *value, const bt_value *literal) {
  bool are_texts = value->type == BT_VALUE_STRING && literal->type == BT_VALUE_STRING;
  if (are_texts || is_of_texts(op)) return are_texts;
  bt_value a = bt_value_read(value), b = bt_value_read(literal);
  if (bt_value_is_number(&a)) return bt_value_is_number(&b);
  return a.type == BT_VALUE_BOOL && b.type == BT_VALUE_BOOL && !bt_operator_is_ordering(op);
}

static bool fits_test(const bt_predicate *predicate, const bt_value *value) {
  static const bt_value yes = {.type = BT_VALUE_BOOL, .boolean = true};
  const bt_comparison *comparison = &predicate->comparison;
  if (value->type == BT_VALUE_OTHER) return false;
  if (predicate->kind == BT_PREDICATE_EXISTS) return true;
  if (predicate->kind == BT_PREDICATE_IS_TRUE) return fits_literal(BT_EQUAL, value, &yes);
  if (comparison->right) return fits_literal(comparison->op, value, &comparison->right->literal);
  for (uint32_t i = 0; i < comparison->list_count; i++)
    if (fits_literal(BT_EQUAL, value, &comparison->list[i]->literal)) return true;
  return false;
}

static unfit kind_of(const bt_value *value) {
  if (value->type == BT_VALUE_STRING) return UNFIT_STRING;
  if (value->type == BT_VALUE_BOOL) return UNFIT_BOOLEAN;
  return bt_value_is_number(value) ? UNFIT_NUMBER : UNFIT_OTHER;
}

/* An array is fit where one of its elements is, and else of their kind. */
static bool is_unfit(const bt_predicate *predicate, const bt_value *value, unfit *kind) {
  bool is_array = value->type == BT_VALUE_ARRAY;
  *kind = kind_of(is_array ? &value->array.items[0] : value);
  if (!is_array) return !fits_test(predicate, value);
  for (uint32_t i = 0; i < value->array.count; i++)
    if (fits_test(predicate, &value->array.items[i])) return false;
  return true;
}

typedef struct met { /* by a test on one span */
  bool is_present, is_unfit, is_open;
  unfit kind;
} met;

/* The text may have been cut, and its end would decide. */
static bool is_left_open(const bt_predicate *predicate, const bt_value *value) {
  const bt_comparison *comparison = &predicate->comparison;
  if (predicate->kind != BT_PREDICATE_COMPARE || !(bt_may_be_cut(value) || bt_value_is_untyped(value))) return false;
  bt_comparator comparator = {.op = comparison->right ? comparison->op : BT_EQUAL, .pattern = comparison->pattern};
  bt_work work = {.text_left = UINT64_MAX};
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < (comparison->right ? 1 : comparison->list_count); i++) {
    const bt_expression *item = comparison->right ? comparison->right : comparison->list[i];
    any = bt_kleene_or(
        any, bt_cut_meets(&comparator, (bt_cut_side){value, true}, (bt_cut_side){&item->literal, false}, &work));
  }
  return any.truth == BT_UNKNOWN;
}

/* What counts as not there is looked for on the resource, which hides it. */
static bt_value value_of(const bt_field *field, const bt_span *span, const bt_span_part *part) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value value = bt_field_value(span, field, part, id_text);
  for (uint32_t i = 0; i < field->name_count && value.type == BT_VALUE_MISSING; i++)
    value = value_of(&field->names[i], span, part);
  if (value.type != BT_VALUE_MISSING || field->kind != BT_FIELD_EITHER_ATTRIBUTE || field->name_count) return value;
  bt_field own = *field;
  own.kind = BT_FIELD_SPAN_ATTRIBUTE;
  return bt_field_value(span, &own, part, id_text);
}

static void meet_value(const note *n, const bt_span *span, const bt_span_part *part, met *m) {
  unfit kind;
  bt_value value = value_of(n->field, span, part);
  if (value.type == BT_VALUE_MISSING) return;
  m->is_present = true;
  m->is_open = m->is_open || is_left_open(n->predicate, &value);
  if (!is_unfit(n->predicate, &value, &kind)) return;
  m->is_unfit = true;
  m->kind = kind;
}

static void look_at_value(note *n, const bt_span *span) {
  met m = {.is_present = false};
  bool are_links = bt_field_is_of_link(n->field->kind);
  bt_span_parts parts = {.span = span, .are_links = are_links};
  if (!is_named_so(n->selection, span)) return;
  if (!are_links && !bt_field_is_of_event(n->field->kind))
    meet_value(n, span, NULL, &m);
  else
    while (bt_span_parts_next(&parts)) meet_value(n, span, &parts.part, &m);
  n->present += m.is_present;
  n->open += m.is_open;
  if (m.is_unfit) n->unfit[m.kind]++;
}

void bt_data_notes_look(bt_data_notes *notes, const bt_trace *trace) {
  bt_absent_names_look(notes->absent, trace);
  bt_met_names_look(notes->met_names, trace);
  bt_missing_pairs_look(notes->pairs, trace);
  for (size_t i = 0; i < notes->count; i++)
    for (uint32_t k = 0; k < trace->span_count; k++)
      if (notes->items[i].kind == NOTE_NAME)
        look_at_name(&notes->items[i], &trace->spans[k]);
      else
        look_at_value(&notes->items[i], &trace->spans[k]);
}

/* ---- verdicts ---- */

void bt_data_notes_name_tied(bt_data_notes *notes, const bt_rule_verdict *verdict) {
  bt_str service = verdict->tied_service;
  if (!verdict->hangs_on_ties || !service.ptr || notes->tied_service[0]) return;
  size_t length = service.len < sizeof notes->tied_service ? service.len : sizeof notes->tied_service - 1;
  while (length < service.len && length && ((unsigned char)service.ptr[length] & 0xC0) == 0x80) length--;
  memcpy(notes->tied_service, service.ptr, length);
}

void bt_data_notes_count_verdict(bt_data_notes *notes, bool hangs_on_ties) {
  notes->verdicts++;
  notes->tied += hangs_on_ties;
}

void bt_data_notes_take(bt_data_notes *notes, const bt_rule_verdict *verdict) {
  bt_data_notes_name_tied(notes, verdict);
  if (verdict->verdict != BT_NOT_APPLICABLE) bt_data_notes_count_verdict(notes, verdict->hangs_on_ties);
}

void bt_data_notes_add(bt_data_notes *notes, const bt_data_notes *others) {
  bt_absent_names_add(notes->absent, others->absent);
  bt_met_names_add(notes->met_names, others->met_names);
  bt_missing_pairs_add(notes->pairs, others->pairs);
  notes->are_of_some = notes->are_of_some || others->are_of_some;
  notes->verdicts += others->verdicts;
  notes->tied += others->tied;
  if (!notes->tied_service[0]) memcpy(notes->tied_service, others->tied_service, sizeof notes->tied_service);
  for (size_t i = 0; i < notes->count; i++) {
    note *n = &notes->items[i];
    const note *other = &others->items[i];
    n->by_name += other->by_name;
    n->by_service += other->by_service;
    n->by_attribute += other->by_attribute;
    n->present += other->present;
    n->open += other->open;
    for (int kind = 0; kind < UNFIT_KINDS; kind++) n->unfit[kind] += other->unfit[kind];
  }
}

/* ---- sentences ---- */

/* 2,000 */
static void say_count(uint64_t count, bt_buffer *out) {
  if (count >= 1000) say_count(count / 1000, out), bt_buffer_printf(out, ",%03u", (unsigned)(count % 1000));
  if (count < 1000) bt_buffer_printf(out, "%u", (unsigned)count);
}

/* `span(error)` asks for spans that are called so. */
static bool say_attribute(const note *n, bt_buffer *out) {
  bt_str name = n->predicate->name;
  bool needs_escape = bt_str_contains(name, BT_STR("\"")) || bt_str_contains(name, BT_STR("\\"));
  if (n->by_name || n->by_service || !n->by_attribute || needs_escape) return false;
  bt_buffer_printf(out, "`%.*s` is the name of no span and no service that was read, and an attribute of ",
                   BT_FMT(name));
  say_count(n->by_attribute, out);
  bt_buffer_printf(out, " span%s: where that is meant, ask for its value, as in trace.has(\"%.*s\" == true)",
                   n->by_attribute == 1 ? "" : "s", BT_FMT(name));
  return true;
}

static bool say_name(const note *n, bt_buffer *out) {
  bt_str name = n->predicate->name;
  if (say_attribute(n, out)) return true;
  if (!n->by_service || (!n->by_name && !n->selection)) return false;
  bt_buffer_printf(out, "`%.*s` selected ", BT_FMT(name));
  say_count(n->by_service, out);
  bt_buffer_append(out, n->by_service == 1 ? BT_STR(" span by service and ") : BT_STR(" spans by service and "));
  if (n->by_name)
    say_count(n->by_name, out);
  else
    bt_buffer_append(out, BT_STR("none"));
  bool is_plain = true;
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    is_plain &=
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  }
  const char *quote = is_plain ? "" : "\"";
  bt_buffer_printf(out, " by name; service:%s%.*s%s or name:%s%.*s%s says which", quote, BT_FMT(name), quote, quote,
                   BT_FMT(name), quote);
  if (!n->by_name) bt_buffer_append(out, BT_STR(", and each span of the service is bound"));
  return true;
}

static const char *name_of_type(bt_value_type type) {
  if (type == BT_VALUE_STRING) return "a string";
  return type == BT_VALUE_BOOL ? "true or false" : "a number";
}

/* What the test compares with. */
static const char *name_of_other_side(const bt_predicate *predicate) {
  const bt_comparison *comparison = &predicate->comparison;
  if (predicate->kind == BT_PREDICATE_IS_TRUE) return name_of_type(BT_VALUE_BOOL);
  if (comparison->right) return name_of_type(comparison->right->literal.type);
  const char *first = name_of_type(comparison->list[0]->literal.type);
  for (uint32_t i = 1; i < comparison->list_count; i++)
    if (name_of_type(comparison->list[i]->literal.type) != first) return "these values";
  return first;
}

/* What the unfit values were, when they were all of one kind. */
static const char *name_of_unfit(const note *n, uint64_t total) {
  if (n->unfit[UNFIT_NUMBER] == total) return "a number";
  if (n->unfit[UNFIT_BOOLEAN] == total) return "true or false";
  if (n->unfit[UNFIT_OTHER] == total) return "a map, a list of maps, bytes, or a list that is empty or mixed,";
  return n->unfit[UNFIT_STRING] == total ? "a string" : "of other types";
}

static bool is_number_side(const bt_predicate *predicate) {
  return name_of_other_side(predicate) == name_of_type(BT_VALUE_INT);
}

/* `k` was something in 3 of 40 spans */
static void say_share(const bt_data_notes *notes, const note *n, const char *what, uint64_t count, bt_buffer *out) {
  bt_range range =
      n->predicate->kind == BT_PREDICATE_COMPARE ? n->predicate->comparison.left->range : n->predicate->range;
  bt_str written = {notes->rule->text.ptr + range.start, range.end - range.start};
  if (n->predicate->kind == BT_PREDICATE_EXISTS) written = n->field->key;
  bt_buffer_printf(out, "`%.*s` was %s in ", BT_FMT(written), what);
  say_count(count, out);
  bt_buffer_append(out, BT_STR(" of "));
  say_count(n->present, out);
  bt_buffer_append(out, BT_STR(" spans"));
}

static bool say_cut(const bt_data_notes *notes, const note *n, bt_buffer *out) {
  if (!n->open) return false;
  say_share(notes, n, "a text of 2,048 bytes", n->open, out);
  bt_buffer_append(out, BT_STR(", which is where stores cut: what may stand behind would decide this test"));
  return true;
}

static bool say_value(const bt_data_notes *notes, const note *n, bt_buffer *out) {
  uint64_t total = 0;
  for (int kind = 0; kind < UNFIT_KINDS; kind++) total += n->unfit[kind];
  if (!total) return say_cut(notes, n, out);
  say_share(notes, n, name_of_unfit(n, total), total, out);
  if (n->unfit[UNFIT_OTHER] == total) {
    bt_buffer_append(out, BT_STR(" that have it: that counts as not there"));
    return true;
  }
  bt_buffer_printf(out, ", and here it is compared with %s: ", name_of_other_side(n->predicate));
  bool is_no_number = n->unfit[UNFIT_STRING] == total && is_number_side(n->predicate);
  bt_buffer_append(out, is_no_number ? BT_STR("it reads as none") : BT_STR("types do not mix"));
  return true;
}

static void say_tied(const bt_data_notes *notes, bt_buffer *out, bt_range *place) {
  *place = (bt_range){0, (uint32_t)notes->rule->text.len};
  say_count(notes->tied, out);
  bt_buffer_append(out, BT_STR(" of "));
  say_count(notes->verdicts, out);
  bt_buffer_printf(out, " verdict%s hang%s on spans that start in one millisecond, and ",
                   notes->verdicts == 1 ? "" : "s", notes->tied == 1 ? "s" : "");
  if (notes->tied_service[0])
    bt_buffer_printf(out, "the service `%s` writes", notes->tied_service);
  else
    bt_buffer_append(out, BT_STR("their services write"));
  bt_buffer_append(
      out, BT_STR(" no finer starts: as written neither is before the other; coarse_clocks: unknown leaves that open"));
}

bool bt_data_notes_say(const bt_data_notes *notes, size_t i, bt_buffer *out, bt_range *place) {
  for (size_t k = 0; k < notes->count; k++) {
    size_t before = out->len;
    const note *n = &notes->items[k];
    bool is_said = n->kind == NOTE_NAME ? say_name(n, out) : say_value(notes, n, out);
    *place = n->predicate->range;
    if (is_said && i-- == 0) return true;
    out->len = before;
    if (out->ptr) out->ptr[before] = '\0';
  }
  size_t names_met = bt_met_names_count(notes->met_names), missing = bt_missing_pairs_count(notes->pairs);
  if (i < names_met) {
    bt_met_names_say(notes->met_names, i, out, place);
    return true;
  }
  if (i < names_met + missing) {
    bt_missing_pairs_say(notes->pairs, i - names_met, out, place);
    return true;
  }
  i -= names_met + missing;
  if (notes->tied && i == 0) {
    say_tied(notes, out, place);
    return true;
  }
  return !notes->are_of_some && bt_absent_names_say(notes->absent, i - (notes->tied > 0), out, place);
}
