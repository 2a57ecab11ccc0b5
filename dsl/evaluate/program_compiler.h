/* What the parts of the compiler of programs share: program.c (rules, conditions, selections), program_predicate.c
 * (predicates, comparisons, expressions) and program_keys.c (what spans can be looked up by). Nobody else includes
 * this. Thread: no state beyond the compiler, which one thread has. What it makes is owned by the rule set. False or
 * NULL: no memory. */
#ifndef BT_DSL_EVALUATE_PROGRAM_COMPILER_H
#define BT_DSL_EVALUATE_PROGRAM_COMPILER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/program.h"
#include "dsl/rule/rule.h"

typedef struct bt_program_compiler {
  struct bt_ruleset *ruleset;
  bt_program *program;
  bt_binding_set seen; /* bindings read by what was compiled since the caller last cleared it */
} bt_program_compiler;

const bt_program_selection *bt_program_compile_selection(bt_program_compiler *compiler, const bt_selection *selection);
const bt_program_predicate *bt_program_compile_predicate(bt_program_compiler *compiler, const bt_predicate *predicate);
bool bt_program_compile_comparison(bt_program_compiler *compiler, const bt_comparison *comparison,
                                   bt_program_comparison *out) BT_MUST_CHECK;
/* A conjunction of `count` predicates: the one itself, or an AND; NULL with *ok true for none. */
const bt_program_predicate *bt_program_join(bt_program_compiler *compiler, const bt_program_predicate **items,
                                            uint32_t count, bool *ok);
/* program_keys.c: what members of the selection, or what the spans of bindings of a conjunction, can be found by. */
bool bt_program_find_keys(bt_program_compiler *compiler, bt_program_selection *selection) BT_MUST_CHECK;
bool bt_program_find_joins(bt_program_compiler *compiler, const bt_program_condition *conjunction,
                           bt_program_condition *item, uint32_t at) BT_MUST_CHECK;
void bt_program_see_binding(bt_program_compiler *compiler, int binding);

#endif
