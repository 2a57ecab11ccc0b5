/* Static predicates. See matcher.h. */
#include "dsl/evaluate/matcher.h"

#include <string.h>

#include "dsl/rule/field.h"
#include "dsl/trace/text_number.h"

static bool is_named(const bt_span *span, bt_str name) {
  return bt_str_equal(span->name, name) || (span->resource->service.ptr && bt_str_equal(span->resource->service, name));
}

static bool field_meets(const bt_program_comparison *comparison, const bt_span *span, const bt_span_part *part,
                        bt_work *work) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value left = bt_field_value(span, &comparison->left->field, part, id_text);
  if (!comparison->is_list)
    return bt_values_meet(&comparison->comparator, &left, &comparison->rights[0]->literal, work);
  bool is_in = false;
  for (uint32_t i = 0; i < comparison->right_count && !is_in; i++)
    is_in = bt_values_meet(&comparison->comparator, &left, &comparison->rights[i]->literal, work);
  if (!comparison->is_negated) return is_in;
  return !is_in && !bt_value_is_missing(&left) && !bt_value_is_nan(&left);
}

static bool field_is_true(const bt_field *field, const bt_span *span, const bt_span_part *part, bt_work *work) {
  static const bt_comparator equal = {.op = BT_EQUAL};
  static const bt_value yes = {.type = BT_VALUE_BOOL, .boolean = true};
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value value = bt_field_value(span, field, part, id_text);
  return bt_values_meet(&equal, &value, &yes, work);
}

static bool field_exists(const bt_field *field, const bt_span *span, const bt_span_part *part) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value value = bt_field_value(span, field, part, id_text);
  return !bt_value_is_missing(&value);
}

static bool test_leaf(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                      bt_work *work) {
  if (predicate->kind == BT_PREDICATE_COMPARE) return field_meets(&predicate->comparison, span, part, work);
  if (predicate->kind == BT_PREDICATE_EXISTS) return field_exists(&predicate->field, span, part);
  return field_is_true(&predicate->field, span, part, work);
}

/* Outside event.where and link.where each test of an event's (a link's) field is met if some event (link) meets it. */
static bool some_part_meets(const bt_program_predicate *predicate, const bt_span *span, bool are_links, bt_work *work) {
  bt_span_parts parts = {.span = span, .are_links = are_links};
  while (bt_span_parts_next(&parts))
    if (bt_matcher_test(predicate, span, &parts.part, work)) return true;
  return false;
}

static bool test_all(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                     bt_work *work) {
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if (!bt_matcher_test(predicate->items[i], span, part, work)) return false;
  return true;
}

static bool test_any(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                     bt_work *work) {
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if (bt_matcher_test(predicate->items[i], span, part, work)) return true;
  return false;
}

bool bt_matcher_test(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                     bt_work *work) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return true;
  case BT_PREDICATE_FALSE: return false;
  case BT_PREDICATE_AND: return test_all(predicate, span, part, work);
  case BT_PREDICATE_OR: return test_any(predicate, span, part, work);
  case BT_PREDICATE_NOT: return !bt_matcher_test(predicate->items[0], span, part, work);
  case BT_PREDICATE_NAMED: return is_named(span, predicate->name);
  case BT_PREDICATE_EVENT: return some_part_meets(predicate->items[0], span, false, work);
  case BT_PREDICATE_LINK: return some_part_meets(predicate->items[0], span, true, work);
  case BT_PREDICATE_COMPARE:
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE:
    if (!part && (predicate->reads_event || predicate->reads_link))
      return some_part_meets(predicate, span, predicate->reads_link, work);
    return test_leaf(predicate, span, part, work);
  }
  return false;
}

/* ---- anchors ---- */

static bool is_attribute(bt_field_kind kind) {
  return kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE;
}

/* `span.name == "x"`, `span.service == "x"`, and `k == "x"` unless a number or boolean may equal "x", too. */
static bt_anchor_kind comparison_anchor(const bt_program_comparison *comparison) {
  if (comparison->is_list || comparison->comparator.op != BT_EQUAL) return BT_ANCHOR_ALL;
  if (comparison->rights[0]->literal.type != BT_VALUE_STRING) return BT_ANCHOR_ALL;
  bt_field_kind field = comparison->left->field.kind;
  if (field == BT_FIELD_NAME) return BT_ANCHOR_NAME;
  if (field == BT_FIELD_SERVICE) return BT_ANCHOR_SERVICE;
  bool is_text = bt_value_read(&comparison->rights[0]->literal).type == BT_VALUE_STRING;
  return is_attribute(field) && is_text ? BT_ANCHOR_VALUE : BT_ANCHOR_ALL;
}

static bt_anchor_kind anchor_kind(const bt_program_predicate *predicate) {
  if (predicate->kind == BT_PREDICATE_NAMED) return BT_ANCHOR_NAME_OR_SERVICE;
  return predicate->kind == BT_PREDICATE_COMPARE ? comparison_anchor(&predicate->comparison) : BT_ANCHOR_ALL;
}

/* The test that says where to look: the predicate, or the first of its best conjuncts. */
static const bt_program_predicate *anchoring_part(const bt_program_predicate *predicate) {
  if (predicate->kind != BT_PREDICATE_AND) return predicate;
  const bt_program_predicate *best = predicate->items[0];
  for (uint32_t i = 1; i < predicate->item_count; i++)
    if (anchor_kind(predicate->items[i]) > anchor_kind(best)) best = predicate->items[i];
  return best;
}

static void write_number(uint64_t number, bt_buffer *out) {
  bt_buffer_printf(out, "%llu,", (unsigned long long)number);
}

static void write_string(bt_str string, bt_buffer *out) {
  write_number(string.len, out);
  bt_buffer_append(out, string);
}

static void write_field(const bt_field *field, bt_buffer *out) {
  write_number((uint64_t)field->kind, out);
  write_string(field->key, out);
  write_number(field->name_count, out);
  for (uint32_t i = 0; i < field->name_count; i++) write_field(&field->names[i], out);
}

/* The number of a compared field, a new one if it has none. */
static bool add_field(struct bt_ruleset *ruleset, const bt_field *field, uint32_t *number) {
  uint32_t before = ruleset->field_keys.count, symbol;
  bt_compared_field *fields = bt_grow_array(ruleset->fields, before, &ruleset->field_capacity, sizeof *fields);
  if (!fields) return false;
  ruleset->fields = fields;
  bt_buffer key = {0};
  bt_str kept;
  bt_buffer_append_char(&key, (char)('a' + (int)field->kind));
  bt_buffer_append(&key, field->key);
  for (uint32_t i = 0; i < field->name_count; i++) write_field(&field->names[i], &key);
  bool ok = !key.failed && bt_arena_copy(&ruleset->arena, bt_buffer_str(&key), &kept) &&
            bt_symbols_add(&ruleset->field_keys, kept, &symbol);
  bt_buffer_dispose(&key);
  if (!ok) return false;
  *number = symbol - 1;
  if (ruleset->field_keys.count > before) fields[*number] = (bt_compared_field){.field = *field};
  return true;
}

static bool add_value(struct bt_ruleset *ruleset, const bt_program_comparison *comparison, bt_anchor *anchor) {
  if (!add_field(ruleset, &comparison->left->field, &anchor->field)) return false;
  bt_compared_field *field = &ruleset->fields[anchor->field];
  field->matcher_count++;
  return bt_symbols_add(&field->values, comparison->rights[0]->literal.string, &anchor->symbol);
}

static bool make_anchor(struct bt_ruleset *ruleset, const bt_program_predicate *part, bt_matcher *matcher) {
  bt_anchor *anchor = &matcher->anchor;
  anchor->kind = anchor_kind(part);
  if (anchor->kind == BT_ANCHOR_ALL) return true;
  if (anchor->kind == BT_ANCHOR_VALUE) return add_value(ruleset, &part->comparison, anchor);
  matcher->asks_name = anchor->kind != BT_ANCHOR_SERVICE;
  matcher->asks_service = anchor->kind != BT_ANCHOR_NAME;
  matcher->string = part->kind == BT_PREDICATE_NAMED ? part->name : part->comparison.rights[0]->literal.string;
  return bt_symbols_add(&ruleset->strings, matcher->string, &anchor->symbol);
}

bool bt_matcher_make(struct bt_ruleset *ruleset, const bt_program_predicate *predicate, bt_matcher *out) {
  const bt_program_predicate *part = anchoring_part(predicate);
  *out = (bt_matcher){.predicate = predicate, .walks_text = predicate->walks_text};
  if (!make_anchor(ruleset, part, out)) return false;
  out->is_exact = out->anchor.kind != BT_ANCHOR_ALL && part == predicate;
  out->needs_test = !out->is_exact || out->anchor.kind == BT_ANCHOR_VALUE;
  return true;
}

/* Few matchers look through all spans, because to group the spans by name costs as much as some such looks; many
 * matchers share the groups. */
void bt_matchers_finish(struct bt_ruleset *ruleset) {
  enum { FEW_MATCHERS = 8, FEW_COMPARISONS = 2 }; /* of a field with strings */
  ruleset->has_groups = ruleset->matcher_count > FEW_MATCHERS;
  for (uint32_t i = 0; i < ruleset->matcher_count; i++) {
    bt_matcher *matcher = &ruleset->matchers[i];
    bool is_of_value = matcher->anchor.kind == BT_ANCHOR_VALUE;
    matcher->is_grouped = ruleset->has_groups && matcher->anchor.kind != BT_ANCHOR_ALL;
    if (is_of_value && ruleset->fields[matcher->anchor.field].matcher_count <= FEW_COMPARISONS)
      matcher->is_grouped = false;
  }
}

/* ---- keys ---- */

static void write_literal(const bt_value *literal, bt_buffer *out) {
  uint64_t bits = 0;
  write_number((uint64_t)literal->type, out);
  if (literal->type == BT_VALUE_STRING) write_string(literal->string, out);
  if (literal->type == BT_VALUE_BOOL) bits = literal->boolean;
  if (literal->type == BT_VALUE_INT) bits = (uint64_t)literal->integer;
  if (literal->type == BT_VALUE_DOUBLE) memcpy(&bits, &literal->decimal, sizeof bits);
  write_number(bits, out);
}

static void write_comparison(const bt_program_comparison *comparison, bt_buffer *out) {
  write_number((uint64_t)comparison->comparator.op, out);
  write_number(comparison->is_list, out);
  write_number(comparison->is_negated, out);
  write_field(&comparison->left->field, out);
  write_number(comparison->right_count, out);
  for (uint32_t i = 0; i < comparison->right_count; i++) write_literal(&comparison->rights[i]->literal, out);
}

void bt_matcher_write_key(const bt_program_predicate *predicate, bt_buffer *out) {
  write_number((uint64_t)predicate->kind, out);
  write_number(predicate->item_count, out);
  for (uint32_t i = 0; i < predicate->item_count; i++) bt_matcher_write_key(predicate->items[i], out);
  if (predicate->kind == BT_PREDICATE_NAMED) write_string(predicate->name, out);
  if (predicate->kind == BT_PREDICATE_COMPARE) write_comparison(&predicate->comparison, out);
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    write_field(&predicate->field, out);
}
