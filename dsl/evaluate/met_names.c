/* Which of several names was met. See met_names.h. */
#include "dsl/evaluate/met_names.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

typedef struct met_field {
  const bt_field *field;               /* with names */
  bt_range place;                      /* where the rule reads it first */
  uint64_t spans;                      /* that have it, by whatever name */
  uint64_t by_key[BT_FIELD_NAMES_MAX]; /* spans that had it by that name; one key of span and resource counts once */
} met_field;

struct bt_met_names {
  met_field *items; /* in the order of the text */
  size_t count, capacity;
  bool no_memory;
};

/* ---- the attributes with several names ---- */

static bool is_noted(const bt_met_names *met, const bt_field *field) {
  for (size_t i = 0; i < met->count; i++)
    if (met->items[i].field->kind == field->kind && bt_str_equal(met->items[i].field->key, field->key)) return true;
  return false;
}

static void note_field(bt_met_names *met, const bt_field *field, bt_range place) {
  if (!field->name_count || is_noted(met, field)) return;
  met_field *grown = bt_grow_array(met->items, met->count, &met->capacity, sizeof *grown);
  if (!grown) {
    met->no_memory = true;
    return;
  }
  met->items = grown;
  met->items[met->count++] = (met_field){.field = field, .place = place};
}

static void note_expression(bt_met_names *met, const bt_expression *expression) {
  if (!expression) return;
  if (expression->kind == BT_EXPRESSION_FIELD) note_field(met, &expression->field, expression->range);
  note_expression(met, expression->left);
  note_expression(met, expression->right);
}

static void note_predicate(void *context, const bt_predicate *predicate) {
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    note_field(context, &predicate->field, predicate->range);
}

static void note_comparison(void *context, const bt_comparison *comparison) {
  note_expression(context, comparison->left);
  note_expression(context, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) note_expression(context, comparison->list[i]);
}

bt_status bt_met_names_new(const bt_rule *rule, bt_met_names **out, bt_error *error) {
  bt_met_names *met = calloc(1, sizeof *met);
  *out = met;
  if (!met) return bt_error_no_memory(error);
  bt_rule_visitor visitor = {.on_predicate = note_predicate, .on_comparison = note_comparison, .context = met};
  bt_rule_walk(rule, &visitor);
  if (!met->no_memory) return BT_OK;
  bt_met_names_free(met);
  *out = NULL;
  return bt_error_no_memory(error);
}

void bt_met_names_free(bt_met_names *met) {
  if (!met) return;
  free(met->items);
  free(met);
}

/* The first name with that key stands for all of them: of the span and of its resource. */
static uint32_t row_of(const bt_field *field, uint32_t name) {
  uint32_t row = 0;
  while (!bt_str_equal(field->names[row].key, field->names[name].key)) row++;
  return row;
}

bool bt_met_names_get(const bt_met_names *met, size_t i, bt_several_names *out) {
  if (i >= met->count) return false;
  const bt_field *field = met->items[i].field;
  *out = (bt_several_names){.attribute = field->key};
  for (uint32_t k = 0; k < field->name_count; k++)
    if (row_of(field, k) == k) out->keys[out->key_count++] = field->names[k].key;
  return true;
}

/* ---- what was met ---- */

/* Which of its names is there; name_count: none. */
static uint32_t name_there(const bt_field *field, const bt_span *span, const bt_span_part *part) {
  char id_text[BT_SPAN_ID_HEX + 1];
  for (uint32_t i = 0; i < field->name_count; i++) {
    bt_value value = bt_field_value(span, &field->names[i], part, id_text);
    if (!bt_value_is_missing(&value)) return i;
  }
  return field->name_count;
}

/* `field`: as `row` has it, of this very span. */
static void look_at_span(met_field *row, const bt_field *field, const bt_span *span) {
  bool is_met[BT_FIELD_NAMES_MAX] = {false}, is_there = false;
  bool are_links = bt_field_is_of_link(field->kind), are_parts = are_links || bt_field_is_of_event(field->kind);
  bt_span_parts parts = {.span = span, .are_links = are_links};
  while (!are_parts || bt_span_parts_next(&parts)) {
    uint32_t name = name_there(field, span, are_parts ? &parts.part : NULL);
    if (name < field->name_count) is_there = is_met[row_of(field, name)] = true;
    if (!are_parts) break;
  }
  row->spans += is_there;
  for (uint32_t i = 0; i < field->name_count; i++) row->by_key[i] += is_met[i];
}

static void look_for_field(met_field *row, const bt_trace *trace) {
  bt_field names[BT_FIELD_NAMES_MAX];
  if (bt_field_is_of_trace(row->field->kind)) {
    bt_field of_root = bt_field_of_root(row->field, names);
    uint32_t root = bt_trace_root(trace);
    if (root != BT_NO_SPAN) look_at_span(row, &of_root, &trace->spans[root]);
    return;
  }
  for (uint32_t i = 0; i < trace->span_count; i++) look_at_span(row, row->field, &trace->spans[i]);
}

void bt_met_names_look(bt_met_names *met, const bt_trace *trace) {
  for (size_t i = 0; i < met->count; i++) look_for_field(&met->items[i], trace);
}

void bt_met_names_add(bt_met_names *met, const bt_met_names *others) {
  for (size_t i = 0; i < met->count; i++) {
    met->items[i].spans += others->items[i].spans;
    for (uint32_t k = 0; k < BT_FIELD_NAMES_MAX; k++) met->items[i].by_key[k] += others->items[i].by_key[k];
  }
}

/* ---- the sentence ---- */

static bool is_other(const met_field *row, uint32_t name) {
  return row->by_key[name] && !bt_str_equal(row->field->names[name].key, row->field->key);
}

static bool has_other(const met_field *row) {
  for (uint32_t i = 0; i < row->field->name_count; i++)
    if (is_other(row, i)) return true;
  return false;
}

/* `http.route` was read as `http.target` in 3, as `url.path` in 5 of 9 spans that have it */
static void say_field(const met_field *row, bt_buffer *out) {
  const bt_field *field = row->field;
  const char *joint = "";
  bt_buffer_printf(out, "`%.*s` was read", BT_FMT(field->key));
  for (uint32_t i = 0; i < field->name_count; i++) {
    if (!is_other(row, i)) continue;
    bt_buffer_printf(out, "%s as `%.*s` in %" PRIu64, joint, BT_FMT(field->names[i].key), row->by_key[i]);
    joint = ",";
  }
  bt_buffer_printf(out, " of %" PRIu64 " span%s", row->spans, row->spans == 1 ? " that has it" : "s that have it");
}

size_t bt_met_names_count(const bt_met_names *met) {
  size_t count = 0;
  for (size_t i = 0; i < met->count; i++) count += has_other(&met->items[i]);
  return count;
}

void bt_met_names_say(const bt_met_names *met, size_t i, bt_buffer *out, bt_range *place) {
  const met_field *row = met->items;
  while (!has_other(row) || i--) row++;
  *place = row->place;
  say_field(row, out);
}
