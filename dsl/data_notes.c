/* Notes about data. See data_notes.h. */
#include "dsl/data_notes.h"

#include <stdlib.h>

#include "dsl/field.h"
#include "dsl/rule_walk.h"

typedef enum note_kind { NOTE_NAME, NOTE_TYPE } note_kind;

typedef struct note {
  note_kind kind;
  const bt_predicate *predicate;                      /* the name, or the comparison */
  const bt_selection *selection;                      /* TYPE: whose spans are looked at; NAME: of a binding, or NULL */
  uint64_t by_name, by_service, by_attribute;         /* NAME; the last: spans that have an attribute called so */
  uint64_t present, of_string, of_number, of_boolean; /* TYPE */
} note;

struct bt_data_notes {
  const bt_rule *rule;
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
  return field->binding == BT_NO_BINDING &&
         (field->kind == BT_FIELD_SPAN_ATTRIBUTE || field->kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
          field->kind == BT_FIELD_EITHER_ATTRIBUTE);
}

static void note_types(void *context, const bt_selection *selection) {
  uint32_t count;
  const bt_predicate *const *items = items_of(&selection->predicate, &count);
  for (uint32_t i = 0; i < count; i++) {
    const bt_comparison *comparison = &items[i]->comparison;
    if (items[i]->kind != BT_PREDICATE_COMPARE || !comparison->right) continue;
    if (comparison->left->kind != BT_EXPRESSION_FIELD || comparison->right->kind != BT_EXPRESSION_LITERAL) continue;
    if (!is_own_attribute(&comparison->left->field)) continue;
    add_note(context, (note){.kind = NOTE_TYPE, .predicate = items[i], .selection = selection});
  }
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
  bt_rule_visitor visitor = {.on_predicate = note_name, .on_selection = note_types, .context = notes};
  bt_rule_walk(rule, &visitor);
  mark_bound(notes, rule->when);
  mark_bound(notes, rule->always);
  mark_bound(notes, rule->never);
  mark_bound(notes, rule->condition);
  if (notes->no_memory) {
    bt_data_notes_free(notes);
    return bt_error_no_memory(error);
  }
  if (notes->count) qsort(notes->items, notes->count, sizeof *notes->items, by_place);
  *out = notes;
  return BT_OK;
}

void bt_data_notes_free(bt_data_notes *notes) {
  if (!notes) return;
  free(notes->items);
  free(notes);
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

static void look_at_type(note *n, const bt_span *span) {
  char id_text[BT_SPAN_ID_HEX + 1];
  if (!is_named_so(n->selection, span)) return;
  bt_value value = bt_field_value(span, &n->predicate->comparison.left->field, NULL, id_text);
  if (value.type == BT_VALUE_MISSING || value.type == BT_VALUE_OTHER) return;
  n->present++;
  n->of_string += value.type == BT_VALUE_STRING;
  n->of_number += value.type == BT_VALUE_INT || value.type == BT_VALUE_DOUBLE;
  n->of_boolean += value.type == BT_VALUE_BOOL;
}

void bt_data_notes_look(bt_data_notes *notes, const bt_trace *trace) {
  for (size_t i = 0; i < notes->count; i++)
    for (uint32_t k = 0; k < trace->span_count; k++)
      if (notes->items[i].kind == NOTE_NAME)
        look_at_name(&notes->items[i], &trace->spans[k]);
      else
        look_at_type(&notes->items[i], &trace->spans[k]);
}

void bt_data_notes_add(bt_data_notes *notes, const bt_data_notes *others) {
  for (size_t i = 0; i < notes->count; i++) {
    note *n = &notes->items[i];
    const note *other = &others->items[i];
    n->by_name += other->by_name;
    n->by_service += other->by_service;
    n->by_attribute += other->by_attribute;
    n->present += other->present;
    n->of_string += other->of_string;
    n->of_number += other->of_number;
    n->of_boolean += other->of_boolean;
  }
}

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

static const char *kind_of_literal(bt_value_type type) {
  if (type == BT_VALUE_STRING) return "a string";
  return type == BT_VALUE_BOOL ? "true or false" : "a number";
}

static bool say_type(const bt_data_notes *notes, const note *n, bt_buffer *out) {
  bt_value_type wanted = n->predicate->comparison.right->literal.type;
  uint64_t fitting = wanted == BT_VALUE_STRING ? n->of_string : wanted == BT_VALUE_BOOL ? n->of_boolean : n->of_number;
  uint64_t others = n->of_string + n->of_number + n->of_boolean - fitting;
  if (!n->present || others != n->present) return false;
  const char *met = n->of_string == others    ? "a string"
                    : n->of_number == others  ? "a number"
                    : n->of_boolean == others ? "true or false"
                                              : "of other types";
  bt_range range = n->predicate->comparison.left->range;
  bt_buffer_printf(out, "`%.*s` was %s in ", (int)(range.end - range.start), notes->rule->text.ptr + range.start, met);
  say_count(others, out);
  bt_buffer_append(out, BT_STR(" of "));
  say_count(n->present, out);
  bt_buffer_printf(out, " spans, and here it is compared with %s: types do not mix", kind_of_literal(wanted));
  return true;
}

bool bt_data_notes_say(const bt_data_notes *notes, size_t i, bt_buffer *out, bt_range *place) {
  for (size_t k = 0; k < notes->count; k++) {
    size_t before = out->len;
    const note *n = &notes->items[k];
    bool is_said = n->kind == NOTE_NAME ? say_name(n, out) : say_type(notes, n, out);
    *place = n->predicate->range;
    if (is_said && i-- == 0) return true;
    out->len = before;
    if (out->ptr) out->ptr[before] = '\0';
  }
  return false;
}
