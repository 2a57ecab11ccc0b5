/* Names that a rule asks for. See used_names.h. */
#include "dsl/rule/used_names.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

const char *bt_name_kind_in_words(bt_name_kind kind) {
  switch (kind) {
  case BT_NAME_SPAN_OR_SERVICE: return "span or service";
  case BT_NAME_SPAN: return "span";
  case BT_NAME_SERVICE: return "service";
  case BT_NAME_ATTRIBUTE: return "attribute";
  }
  return "name";
}

struct bt_name_use {
  enum { USE_NAME, USE_CHOICE_BEGINS, USE_CHOICE_NEXT, USE_CHOICE_ENDS } kind;
  size_t name; /* of USE_NAME: its place in `items` */
  bool is_spared;
};

static void add_use(bt_used_names *names, bt_name_use use) {
  bt_name_use *uses = bt_grow_array(names->uses, names->use_count, &names->use_capacity, sizeof *uses);
  if (!uses) {
    names->no_memory = true;
    return;
  }
  names->uses = uses;
  uses[names->use_count++] = use;
}

static void add_name(bt_used_names *names, bt_name_kind kind, bt_str name, bt_range place) {
  size_t at = 0;
  while (at < names->count && !(names->items[at].kind == kind && bt_str_equal(names->items[at].name, name))) at++;
  if (at == names->count) {
    bt_used_name *items = bt_grow_array(names->items, names->count, &names->capacity, sizeof *items);
    if (!items) {
      names->no_memory = true;
      return;
    }
    names->items = items;
    items[names->count++] = (bt_used_name){.kind = kind, .name = name, .place = place};
  }
  add_use(names, (bt_name_use){.kind = USE_NAME, .name = at});
}

static void visit_choice(void *context, bt_choice_step step) {
  static const bt_name_use uses[] = {[BT_CHOICE_BEGINS] = {.kind = USE_CHOICE_BEGINS},
                                     [BT_CHOICE_NEXT] = {.kind = USE_CHOICE_NEXT},
                                     [BT_CHOICE_ENDS] = {.kind = USE_CHOICE_ENDS}};
  add_use(context, uses[step]);
}

/* Of an attribute with several names one is enough. */
static void add_field(bt_used_names *names, const bt_field *field, bt_range place) {
  bool is_attribute = field->kind == BT_FIELD_SPAN_ATTRIBUTE || field->kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
                      field->kind == BT_FIELD_EITHER_ATTRIBUTE;
  if (!is_attribute) return;
  bt_field_names all = bt_names_of_field(field);
  for (uint32_t i = 0; i < all.count; i++) {
    if (all.count > 1) visit_choice(names, i ? BT_CHOICE_NEXT : BT_CHOICE_BEGINS);
    add_name(names, BT_NAME_ATTRIBUTE, all.items[i].key, place);
  }
  if (all.count > 1) visit_choice(names, BT_CHOICE_ENDS);
}

static void visit_predicate(void *context, const bt_predicate *predicate) {
  bt_used_names *names = context;
  if (predicate->kind == BT_PREDICATE_NAMED)
    add_name(names, BT_NAME_SPAN_OR_SERVICE, predicate->name, predicate->range);
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    add_field(names, &predicate->field, predicate->range);
  if (predicate->kind != BT_PREDICATE_COMPARE) return;
  const bt_comparison *comparison = &predicate->comparison;
  if (comparison->left->kind != BT_EXPRESSION_FIELD) return;
  add_field(names, &comparison->left->field, predicate->range);
  const bt_expression *right = comparison->right;
  bool is_text = comparison->op == BT_EQUAL && right && right->kind == BT_EXPRESSION_LITERAL &&
                 right->literal.type == BT_VALUE_STRING;
  if (is_text && comparison->left->field.kind == BT_FIELD_NAME)
    add_name(names, BT_NAME_SPAN, right->literal.string, predicate->range);
  if (is_text && comparison->left->field.kind == BT_FIELD_SERVICE)
    add_name(names, BT_NAME_SERVICE, right->literal.string, predicate->range);
}

bt_status bt_used_names_add(bt_used_names *names, const bt_condition *condition, bt_error *error) {
  const bt_rule_visitor visitor = {.on_predicate = visit_predicate, .on_choice = visit_choice, .context = names};
  bt_condition_walk(condition, &visitor);
  return names->no_memory ? bt_error_no_memory(error) : BT_OK;
}

void bt_used_names_dispose(bt_used_names *names) {
  free(names->items);
  free(names->uses);
  *names = (bt_used_names){0};
}

/* ---- alternatives ---- */

static bool choice_lacks_names(bt_used_names *names, size_t *at);

/* From *at to the end of an alternative, or of the condition: whether it needs a name that is absent. */
static bool part_lacks_names(bt_used_names *names, size_t *at) {
  bool lacks = false;
  while (*at < names->use_count) {
    const bt_name_use *use = &names->uses[*at];
    if (use->kind == USE_CHOICE_NEXT || use->kind == USE_CHOICE_ENDS) break;
    ++*at;
    bool lacks_this =
        use->kind == USE_NAME ? names->items[use->name].presence == BT_NAME_ABSENT : choice_lacks_names(names, at);
    lacks = lacks || lacks_this;
  }
  return lacks;
}

/* Alternatives count as one: they lack names only if each of them does. Behind the last of them at the end. */
static bool choice_lacks_names(bt_used_names *names, size_t *at) {
  size_t first = *at;
  bool lacks = true, is_end = false;
  while (!is_end && *at < names->use_count) {
    lacks = part_lacks_names(names, at) && lacks;
    is_end = names->uses[(*at)++].kind == USE_CHOICE_ENDS;
  }
  for (size_t i = first; !lacks && i < *at; i++) names->uses[i].is_spared = true;
  return lacks;
}

void bt_used_names_spare(bt_used_names *names) {
  size_t at = 0;
  for (size_t i = 0; i < names->use_count; i++) names->uses[i].is_spared = false;
  part_lacks_names(names, &at);
  for (size_t i = 0; i < names->count; i++) names->items[i].is_spared = names->items[i].presence == BT_NAME_ABSENT;
  for (size_t i = 0; i < names->use_count; i++)
    if (names->uses[i].kind == USE_NAME && !names->uses[i].is_spared)
      names->items[names->uses[i].name].is_spared = false;
}
