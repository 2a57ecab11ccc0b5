/* Compiling rules, conditions and selections. See program.h. */
#include "dsl/evaluate/program.h"

#include "dsl/evaluate/program_compiler.h"
#include "dsl/rule/rule_walk.h"

static bool add_matcher(bt_program_compiler *compiler, const bt_program_predicate *predicate,
                        bt_program_selection *out) {
  bt_program *program = compiler->program;
  program->tests_of_spans += predicate->tests;
  if (predicate->reads_event) program->tests_of_events += predicate->tests;
  if (predicate->reads_link) program->tests_of_links += predicate->tests;
  return bt_ruleset_add_matcher(compiler->ruleset, predicate, &out->matcher);
}

/* Parts the conjuncts of a predicate into those that a shared matcher tests and the others. */
static bool split_predicate(bt_program_compiler *compiler, const bt_program_predicate *whole,
                            bt_program_selection *out) {
  if (whole->kind == BT_PREDICATE_TRUE) return true;
  if (whole->is_static) return add_matcher(compiler, whole, out);
  if (whole->kind != BT_PREDICATE_AND) return out->rest = whole, true;
  bt_arena *arena = &compiler->ruleset->arena;
  const bt_program_predicate **fixed = bt_arena_array(arena, whole->item_count, sizeof *fixed);
  const bt_program_predicate **rest = bt_arena_array(arena, whole->item_count, sizeof *rest);
  if (!fixed || !rest) return false;
  uint32_t fixed_count = 0, rest_count = 0;
  for (uint32_t i = 0; i < whole->item_count; i++) {
    if (whole->items[i]->is_static)
      fixed[fixed_count++] = whole->items[i];
    else
      rest[rest_count++] = whole->items[i];
  }
  bool fixed_ok, rest_ok;
  const bt_program_predicate *joined = bt_program_join(compiler, fixed, fixed_count, &fixed_ok);
  out->rest = bt_program_join(compiler, rest, rest_count, &rest_ok);
  if (!fixed_ok || !rest_ok) return false;
  return !joined || add_matcher(compiler, joined, out);
}

static bool compile_reference(bt_program_compiler *compiler, const bt_reference *reference, bool is_end,
                              bt_program_reference *out) {
  *out = (bt_program_reference){.binding = reference->binding, .is_end = is_end};
  bt_program_see_binding(compiler, reference->binding);
  if (reference->binding != BT_NO_BINDING) return true;
  out->selection = bt_program_compile_selection(compiler, reference->selection);
  return out->selection != NULL;
}

static bool compile_relations(bt_program_compiler *compiler, const bt_selection *selection, bt_program_selection *out) {
  bt_program_relation *relations =
      bt_arena_array(&compiler->ruleset->arena, selection->relation_count, sizeof *relations);
  if (!relations) return false;
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_relation *from = &selection->relations[i];
    bt_program_relation *to = &relations[i];
    to->kind = from->kind;
    to->within_ns = from->within_ns;
    to->max_links = from->max_links;
    if (bt_relation_is_linked(from->kind)) compiler->program->is_linked = true;
    if (!compile_reference(compiler, &from->first, from->first_is_end, &to->first)) return false;
    if (from->kind == BT_BETWEEN && !compile_reference(compiler, &from->second, from->second_is_end, &to->second))
      return false;
  }
  out->relations = relations;
  out->relation_count = selection->relation_count;
  return true;
}

const bt_program_selection *bt_program_compile_selection(bt_program_compiler *compiler, const bt_selection *selection) {
  bt_binding_set before = compiler->seen;
  compiler->seen = 0;
  bt_program_selection *out = bt_arena_alloc(&compiler->ruleset->arena, sizeof *out);
  if (!out) return NULL;
  out->range = selection->range;
  out->base_binding = selection->base_binding;
  out->is_foreign = selection->is_foreign;
  bt_program_see_binding(compiler, selection->base_binding);
  const bt_program_predicate *whole = bt_program_compile_predicate(compiler, selection->predicate);
  if (!whole || !split_predicate(compiler, whole, out) || !compile_relations(compiler, selection, out)) return NULL;
  out->depends = compiler->seen;
  out->slot = compiler->program->selection_slots++;
  compiler->seen |= before;
  return bt_program_find_keys(compiler, out) ? out : NULL;
}

static bt_program_condition *compile_condition(bt_program_compiler *compiler, const bt_condition *condition);

static bool binds_span(const bt_program_condition *condition) {
  return condition->kind == BT_CONDITION_EXISTS && condition->binding != BT_NO_BINDING;
}

/* A binding is visible to the right in its conjunction only, so the conjunction as a whole does not depend on it. */
static bool compile_conditions(bt_program_compiler *compiler, const bt_condition *condition,
                               bt_program_condition *out) {
  out->item_count = condition->item_count;
  out->items = bt_arena_array(&compiler->ruleset->arena, condition->item_count, sizeof *out->items);
  if (!out->items) return false;
  bt_program_condition **items = bt_arena_array(&compiler->ruleset->arena, condition->item_count, sizeof *items);
  if (!items) return false;
  bt_binding_set bound = 0;
  for (uint32_t i = 0; i < condition->item_count; i++) {
    out->items[i] = items[i] = compile_condition(compiler, condition->items[i]);
    if (!items[i]) return false;
    if (binds_span(items[i])) bound = (bt_binding_set)(bound | 1u << items[i]->binding);
  }
  if (condition->kind != BT_CONDITION_AND) return true;
  compiler->seen = (bt_binding_set)(compiler->seen & ~bound);
  for (uint32_t i = 0; i < condition->item_count; i++)
    if (binds_span(items[i]) && !bt_program_find_joins(compiler, out, items[i], i)) return false;
  return true;
}

static bool compile_exists(bt_program_compiler *compiler, const bt_condition *condition, bt_program_condition *out) {
  out->binding = condition->binding;
  out->binds_choice =
      condition->binding != BT_NO_BINDING && compiler->program->rule->bindings[condition->binding].in_choice;
  out->selection = bt_program_compile_selection(compiler, condition->selection);
  return out->selection != NULL;
}

static bool compile_pair(bt_program_compiler *compiler, const bt_condition *condition, bt_program_condition *out) {
  out->selection = bt_program_compile_selection(compiler, condition->selection);
  out->other = out->selection ? bt_program_compile_selection(compiler, condition->other) : NULL;
  return out->other != NULL;
}

static bool fill_condition(bt_program_compiler *compiler, const bt_condition *condition, bt_program_condition *out) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: return true;
  case BT_CONDITION_AND:
  case BT_CONDITION_OR:
  case BT_CONDITION_NOT: return compile_conditions(compiler, condition, out);
  case BT_CONDITION_EXISTS: return compile_exists(compiler, condition, out);
  case BT_CONDITION_COMPARE: return bt_program_compile_comparison(compiler, &condition->comparison, &out->comparison);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: return compile_pair(compiler, condition, out);
  }
  return false;
}

static bt_program_condition *compile_condition(bt_program_compiler *compiler, const bt_condition *condition) {
  bt_binding_set before = compiler->seen;
  compiler->seen = 0;
  bt_program_condition *out = bt_arena_alloc(&compiler->ruleset->arena, sizeof *out);
  if (!out) return NULL;
  out->kind = condition->kind;
  out->range = condition->range;
  out->binding = BT_NO_BINDING;
  if (!fill_condition(compiler, condition, out)) return NULL;
  out->depends = compiler->seen;
  out->slot = compiler->program->condition_slots++;
  compiler->seen |= before;
  return out;
}

static bool reads_aggregate(const bt_program_expression *expression) {
  if (expression->kind == BT_EXPRESSION_AGGREGATE) return true;
  return (expression->left && reads_aggregate(expression->left)) ||
         (expression->right && reads_aggregate(expression->right));
}

/* A comparison of trace fields and literals: it takes no steps. */
static bool is_free(const bt_program_condition *item) {
  if (item->kind != BT_CONDITION_COMPARE || reads_aggregate(item->comparison.left)) return false;
  for (uint32_t i = 0; i < item->comparison.right_count; i++)
    if (reads_aggregate(item->comparison.rights[i])) return false;
  return true;
}

/* A top-level conjunct that says "there is such a span" gives the gate; the first one with the best anchor.
 * `is_behind_comparison`: nothing but free comparisons stands before it, so that whether it is asked first changes no
 * number of steps. */
static void consider_gate(const struct bt_ruleset *ruleset, bt_program *program, const bt_program_condition *item,
                          bool is_behind_comparison) {
  if (item->kind != BT_CONDITION_EXISTS || item->selection->base_binding != BT_NO_BINDING) return;
  if (item->selection->is_foreign) return;
  uint32_t matcher = item->selection->matcher;
  const bt_matcher *matchers = ruleset->matchers;
  if (program->has_gate && matchers[matcher].anchor.kind <= matchers[program->gate].anchor.kind) return;
  program->gate = matcher;
  program->is_gate_behind_comparison = is_behind_comparison;
  program->has_gate = true;
}

static void choose_gate(const struct bt_ruleset *ruleset, bt_program *program) {
  const bt_program_condition *trigger = program->trigger;
  if (!trigger) return;
  if (trigger->kind != BT_CONDITION_AND) {
    consider_gate(ruleset, program, trigger, false);
    return;
  }
  bool are_free = true; /* those before */
  for (uint32_t i = 0; i < trigger->item_count; i++) {
    consider_gate(ruleset, program, trigger->items[i], i > 0 && are_free);
    are_free = are_free && is_free(trigger->items[i]);
  }
}

static bool compile_part(bt_program_compiler *compiler, const bt_condition *part, const bt_program_condition **out) {
  *out = part ? compile_condition(compiler, part) : NULL;
  return !part || *out;
}

bool bt_program_compile(struct bt_ruleset *ruleset, const bt_rule *rule, bt_program *out) {
  *out = (bt_program){
      .rule = rule, .is_bare = rule->condition != NULL, .is_exercised_by_all = bt_rule_is_exercised_by_all(rule)};
  bt_program_compiler compiler = {.ruleset = ruleset, .program = out};
  if (!compile_part(&compiler, out->is_bare ? rule->condition : rule->when, &out->trigger)) return false;
  if (!compile_part(&compiler, rule->always, &out->always)) return false;
  if (!compile_part(&compiler, rule->never, &out->never)) return false;
  choose_gate(ruleset, out);
  return true;
}
