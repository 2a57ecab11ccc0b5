/* What spans can be looked up by: equalities with something that is known before, and relations of parents and
 * children. See program.h. */
#include "dsl/evaluate/program_compiler.h"
#include "dsl/rule/field.h"

typedef struct key_list {
  bt_arena *arena;
  bt_program_key keys[BT_MAX_KEYS];
  uint32_t count;
  bool is_full;    /* there were more */
  bool has_failed; /* no memory */
} key_list;

static void add_key(key_list *list, bt_program_key key) {
  list->is_full = list->count == BT_MAX_KEYS;
  if (!list->is_full) list->keys[list->count++] = key;
}

static bt_binding_set only_binding(int binding) {
  return (bt_binding_set)(binding == BT_NO_BINDING ? 0 : 1u << binding);
}

/* Whether it reads no aggregate and nothing of the span under test, and of bindings neither `own`; *needs becomes what
 * else it reads. Aggregates are left out because to work one out may cost more than it saves. */
static bool is_known_before(const bt_program_expression *expression, int own, bt_binding_set *needs) {
  if (expression->kind == BT_EXPRESSION_LITERAL) return true;
  if (expression->kind == BT_EXPRESSION_AGGREGATE || expression->kind == BT_EXPRESSION_PART_COUNT) return false;
  if (expression->kind == BT_EXPRESSION_FIELD) {
    const bt_field *field = &expression->field;
    if (bt_field_is_of_trace(field->kind)) return true;
    *needs = (bt_binding_set)(*needs | only_binding(field->binding));
    return field->binding != BT_NO_BINDING && field->binding != own;
  }
  return is_known_before(expression->left, own, needs) &&
         (!expression->right || is_known_before(expression->right, own, needs));
}

/* Kinds and statuses are few, and all spans have one trace id. */
static bool tells_spans_apart(bt_field_kind kind) {
  return kind != BT_FIELD_KIND && kind != BT_FIELD_STATUS && kind != BT_FIELD_SPAN_TRACE_ID;
}

/* A field of the span that is looked for, which `own` stands for (BT_NO_BINDING: the span under test). */
static bool is_own_field(const bt_program_expression *expression, int own) {
  bt_field_kind kind = expression->field.kind;
  return expression->kind == BT_EXPRESSION_FIELD && expression->field.binding == own && !bt_field_is_of_trace(kind) &&
         !bt_field_is_of_event(kind) && !bt_field_is_of_link(kind) && tells_spans_apart(kind) &&
         !bt_field_may_be_unsaid(kind);
}

static void add_side(key_list *list, const bt_program_expression *field, const bt_program_expression *other, int own) {
  bt_program_key key = {.kind = BT_KEY_EQUAL, .field = &field->field, .other = other, .binding = BT_NO_BINDING};
  if (is_own_field(field, own) && is_known_before(other, own, &key.needs)) add_key(list, key);
}

/* All of them as one key: any will do. */
static void add_alternatives(key_list *list, const key_list *alternatives) {
  bt_program_key key = {.kind = BT_KEY_ANY, .binding = BT_NO_BINDING, .alternative_count = alternatives->count};
  if (alternatives->is_full || alternatives->count == 0) return;
  key.alternatives =
      bt_arena_duplicate(list->arena, alternatives->keys, alternatives->count * sizeof *alternatives->keys);
  for (uint32_t i = 0; i < alternatives->count; i++)
    key.needs = (bt_binding_set)(key.needs | alternatives->keys[i].needs);
  if (key.alternatives)
    add_key(list, key);
  else
    list->has_failed = true;
}

/* `k in [x.k, x.m]` */
static void add_list(key_list *list, const bt_program_comparison *comparison, int own) {
  key_list alternatives = {.arena = list->arena};
  for (uint32_t i = 0; i < comparison->right_count; i++) {
    uint32_t before = alternatives.count;
    add_side(&alternatives, comparison->left, comparison->rights[i], own);
    if (alternatives.count == before) return;
  }
  add_alternatives(list, &alternatives);
}

/* `k == x.k`, either way round. Points are left out: under clock skew they may be equal where they differ. */
static void add_comparison(key_list *list, const bt_program_comparison *comparison, int own) {
  bool is_equality = comparison->comparator.op == BT_EQUAL && !comparison->is_negated;
  if (!is_equality || comparison->comparator.ignores_case || comparison->left->is_point) return;
  if (comparison->right_count != 1) {
    add_list(list, comparison, own);
    return;
  }
  add_side(list, comparison->left, comparison->rights[0], own);
  add_side(list, comparison->rights[0], comparison->left, own);
}

static void add_tests(key_list *list, const bt_program_predicate *predicate);

/* `k == x.k or m == x.m`: one key of each part. */
static void add_any(key_list *list, const bt_program_predicate *predicate) {
  key_list alternatives = {.arena = list->arena};
  for (uint32_t i = 0; i < predicate->item_count; i++) {
    key_list of_part = {.arena = list->arena};
    add_tests(&of_part, predicate->items[i]);
    if (of_part.count == 0 || of_part.keys[0].kind != BT_KEY_EQUAL) return;
    add_key(&alternatives, of_part.keys[0]);
  }
  add_alternatives(list, &alternatives);
}

static void add_tests(key_list *list, const bt_program_predicate *predicate) {
  if (predicate->kind == BT_PREDICATE_COMPARE) add_comparison(list, &predicate->comparison, BT_NO_BINDING);
  if (predicate->kind == BT_PREDICATE_OR) add_any(list, predicate);
  for (uint32_t i = 0; predicate->kind == BT_PREDICATE_AND && i < predicate->item_count; i++)
    add_tests(list, predicate->items[i]);
}

static void add_relation(key_list *list, const bt_program_relation *relation) {
  int binding = relation->first.binding;
  if (binding == BT_NO_BINDING) return;
  bt_program_key key = {.binding = binding, .needs = only_binding(binding)};
  if (relation->kind == BT_CHILD_OF)
    key.kind = BT_KEY_CHILD_OF;
  else if (relation->kind == BT_PARENT_OF)
    key.kind = BT_KEY_PARENT_OF;
  else if (relation->kind == BT_SIBLING_OF)
    key.kind = BT_KEY_SIBLING_OF;
  else
    return;
  add_key(list, key);
}

static bool keep_keys(bt_program_compiler *compiler, const key_list *list, const bt_program_key **out,
                      uint32_t *count) {
  *count = list->count;
  if (list->has_failed) return false;
  if (list->count == 0) return true;
  *out = bt_arena_duplicate(&compiler->ruleset->arena, list->keys, list->count * sizeof *list->keys);
  return *out != NULL;
}

bool bt_program_find_keys(bt_program_compiler *compiler, bt_program_selection *selection) {
  key_list list = {.arena = &compiler->ruleset->arena};
  if (selection->rest) add_tests(&list, selection->rest);
  for (uint32_t i = 0; i < selection->relation_count; i++) add_relation(&list, &selection->relations[i]);
  return keep_keys(compiler, &list, &selection->keys, &selection->key_count);
}

static bool speaks_of(const bt_program_condition *item, int binding) {
  return item->kind == BT_CONDITION_EXISTS && item->selection->base_binding == binding;
}

bool bt_program_find_joins(bt_program_compiler *compiler, const bt_program_condition *conjunction,
                           bt_program_condition *item, uint32_t at) {
  key_list list = {.arena = &compiler->ruleset->arena};
  uint32_t most = conjunction->item_count - at;
  item->joined = bt_arena_array(&compiler->ruleset->arena, most, sizeof *item->joined);
  if (!item->joined) return false;
  for (uint32_t i = at + 1; i < conjunction->item_count; i++) {
    const bt_program_condition *further = conjunction->items[i];
    if (further->kind == BT_CONDITION_COMPARE) add_comparison(&list, &further->comparison, item->binding);
    if (speaks_of(further, item->binding)) item->joined[item->joined_count++] = further->selection;
  }
  return keep_keys(compiler, &list, &item->join_keys, &item->join_key_count);
}
