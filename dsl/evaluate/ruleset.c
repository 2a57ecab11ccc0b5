/* Rulesets: compiled programs, shared matchers, frozen symbols. See eval.h and program.h. */
#include <stdlib.h>

#include "dsl/evaluate/eval.h"
#include "dsl/evaluate/matcher.h"

enum { RULESET_MAX_BYTES = 1 << 30 };

bool bt_ruleset_add_matcher(struct bt_ruleset *ruleset, const bt_program_predicate *predicate, uint32_t *number) {
  bt_buffer key = {0};
  bt_matcher_write_key(predicate, &key);
  bt_str kept;
  bool ok = !key.failed && bt_arena_copy(&ruleset->arena, bt_buffer_str(&key), &kept) &&
            bt_symbols_add(&ruleset->matcher_keys, kept, number);
  bt_buffer_dispose(&key);
  if (!ok || *number < ruleset->matcher_count) return ok; /* symbol n is matcher n: matcher 0 has no key */
  bt_matcher *matchers =
      bt_grow_array(ruleset->matchers, ruleset->matcher_count, &ruleset->matcher_capacity, sizeof *matchers);
  if (!matchers) return false;
  ruleset->matchers = matchers;
  return bt_matcher_make(ruleset, predicate, &matchers[ruleset->matcher_count++]);
}

static bool compile_rules(bt_ruleset *ruleset, const bt_rule *const *rules, size_t count) {
  ruleset->matchers = bt_grow_array(NULL, 0, &ruleset->matcher_capacity, sizeof *ruleset->matchers);
  ruleset->programs = bt_arena_array(&ruleset->arena, count, sizeof *ruleset->programs);
  if (!ruleset->matchers || !ruleset->programs) return false;
  ruleset->matchers[0] = (bt_matcher){.anchor.kind = BT_ANCHOR_ALL, .is_exact = true};
  ruleset->matcher_count = 1;
  for (; ruleset->count < count; ruleset->count++) {
    bt_program *program = &ruleset->programs[ruleset->count];
    if (!bt_program_compile(ruleset, rules[ruleset->count], program)) return false;
    if (program->selection_slots > ruleset->max_selection_slots)
      ruleset->max_selection_slots = program->selection_slots;
    if (program->condition_slots > ruleset->max_condition_slots)
      ruleset->max_condition_slots = program->condition_slots;
  }
  bt_matchers_finish(ruleset);
  return true;
}

bt_status bt_ruleset_new(const bt_rule *const *rules, size_t count, bt_ruleset **out, bt_error *error) {
  *out = NULL;
  bt_ruleset *ruleset = calloc(1, sizeof *ruleset);
  if (!ruleset) return bt_error_no_memory(error);
  bt_arena_init(&ruleset->arena, RULESET_MAX_BYTES);
  if (!compile_rules(ruleset, rules, count)) {
    bt_ruleset_free(ruleset);
    return bt_error_no_memory(error);
  }
  *out = ruleset;
  return BT_OK;
}

void bt_ruleset_free(bt_ruleset *ruleset) {
  if (!ruleset) return;
  bt_symbols_dispose(&ruleset->matcher_keys);
  bt_symbols_dispose(&ruleset->strings);
  for (uint32_t i = 0; i < ruleset->field_keys.count; i++) bt_symbols_dispose(&ruleset->fields[i].values);
  bt_symbols_dispose(&ruleset->field_keys);
  free(ruleset->fields);
  free(ruleset->matchers);
  bt_arena_dispose(&ruleset->arena);
  free(ruleset);
}
