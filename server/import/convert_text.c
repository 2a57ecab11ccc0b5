/* One rule text, from the parsed rule to BeTraceDSL. What a rule without clauses describes, the bad trace or the good
 * one, its example decides. See import_parts.h. Thread: no state. */
#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "server/rules/rule_compile.h"
#include "server/base/eval_limit.h"
#include "server/import/import_parts.h"
#include "server/rulefile/test_trace.h"

typedef bt_old_node node;

enum { TRACE_ARENA_BYTES = 64 * 1024 * 1024, TREE_ARENA_BYTES = 64 * 1024 * 1024, MOST_PARTS = 64 };

/* ---- judging ---- */

static bt_status judge_family(const bt_rule *rule, const bt_family *family, bt_verdict *out, bt_error *error) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  bt_eval_limit limit = {0};
  bt_status status = bt_ruleset_new(&rule, 1, &ruleset, error);
  if (!status) status = bt_evaluator_new(ruleset, &evaluator, error);
  if (!status) status = bt_eval_run_family_within(&limit, evaluator, family, NULL, &verdict, error);
  if (!status) *out = verdict->verdict;
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return status;
}

bt_status bt_import_judge(bt_str dsl, const bt_rulefile_test *test, bt_verdict *out, bt_error *error) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_arena arena;
  const bt_family *family = NULL;
  bt_diagnostics_init(&diagnostics);
  bt_arena_init(&arena, TRACE_ARENA_BYTES);
  bt_status status = bt_compile_rule(dsl, false, &rule, &diagnostics, error);
  if (!status) status = bt_test_family_new(test, &arena, &family, error);
  if (!status) status = judge_family(rule, family, out, error);
  bt_rule_free(rule);
  bt_arena_dispose(&arena);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

/* ---- clauses ---- */

static bt_status write_clause(bt_translation *t, const char *word, const node *condition, bt_buffer *out,
                              bt_error *error) {
  if (!condition) return BT_OK;
  bt_buffer_printf(out, "%s { ", word);
  bt_status status = bt_translate_condition(t, condition, out, error);
  bt_buffer_append(out, BT_STR(" }\n"));
  return status;
}

static bt_status write_clauses(bt_translation *t, const bt_old_rule *rule, bt_buffer *out, bt_error *error) {
  bt_status status = write_clause(t, "when", rule->when, out, error);
  if (!status) status = write_clause(t, "always", rule->always, out, error);
  return status ? status : write_clause(t, "never", rule->never, out, error);
}

/* ---- conditions ---- */

typedef struct parts { /* what is joined by `and` at the top */
  const node *items[MOST_PARTS];
  bool held[MOST_PARTS]; /* in the example */
  size_t count, held_count;
} parts;

static bool split_condition(const node *condition, parts *out) {
  bool is_joined = condition->kind == BT_OLD_AND;
  *out = (parts){0};
  for (const node *item = is_joined ? condition->first : condition; item; item = is_joined ? item->next : NULL) {
    if (out->count == MOST_PARTS) return false;
    out->items[out->count++] = item;
  }
  return true;
}

/* Which parts the example meets. */
static bt_status hold_against_example(const bt_translation *t, parts *p, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < p->count && !status; i++) {
    bt_translation silent = {.arena = t->arena, .example = t->example, .is_silent = true};
    bt_buffer text = {0};
    bt_verdict verdict = BT_INCONCLUSIVE;
    status = bt_translate_condition(&silent, p->items[i], &text, error);
    if (!status) status = bt_import_judge(bt_buffer_str(&text), t->example, &verdict, error);
    p->held[i] = verdict == BT_VIOLATED;
    p->held_count += p->held[i];
    bt_buffer_dispose(&text);
  }
  return status;
}

/* A rule that forbids, or tests fields of spans, was always about the bad trace; of the others nothing says it. */
static bool is_plainly_bad(const parts *p) {
  bool is_plain = false;
  for (size_t i = 0; i < p->count; i++)
    is_plain = is_plain || (p->items[i]->kind == BT_OLD_NOT && p->count > 1) || p->items[i]->kind == BT_OLD_HAS ||
               p->items[i]->kind == BT_OLD_ORDER;
  return is_plain;
}

static bool is_threshold(const node *part) {
  return part->kind == BT_OLD_COMPARE && part->last->kind == BT_OLD_NUMBER &&
         (part->op == BT_OLD_GREATER || part->op == BT_OLD_GREATER_EQUAL);
}

/* Appends `word { part and part }` of the parts that are chosen: those that the example meets or not, with a `not` or
 * without, which is left away then. */
static bt_status write_some(bt_translation *t, const parts *p, const char *word, const char *joint, bool held,
                            int negated, bt_buffer *out, bt_error *error) {
  bt_status status = BT_OK;
  size_t count = 0;
  for (size_t i = 0; i < p->count && !status; i++) {
    const node *part = p->items[i];
    bool is_negated = part->kind == BT_OLD_NOT;
    if (p->held[i] != held || (negated >= 0 && is_negated != negated)) continue;
    bool strips = negated == 1, needs = (strips ? part->first : part)->kind == BT_OLD_OR;
    bt_buffer_printf(out, "%s%s%s", count ? joint : word, count ? "" : " { ", needs ? "(" : "");
    status = bt_translate_condition(t, strips ? part->first : part, out, error);
    if (needs) bt_buffer_append_char(out, ')');
    count++;
  }
  if (count) bt_buffer_append(out, BT_STR(" }\n"));
  return status;
}

/* The condition describes the good trace: what the example meets is when it applies, the rest is what has to be. */
static bt_status turn_round(bt_translation *t, const parts *p, bt_range range, bt_buffer *out, bt_error *error) {
  bt_status status = write_some(t, p, "when", " and ", true, -1, out, error);
  if (!status) status = write_some(t, p, "always", " and ", false, 0, out, error);
  if (!status) status = write_some(t, p, "never", " or ", false, 1, out, error);
  bt_translation_note(t, true, &range,
                      "this describes the good trace, because its example_violation does not meet it: turned round, "
                      "%s",
                      p->held_count ? "what the example meets became `when`, and the rest what has to be"
                                    : "so that each trace that does not meet it is a violation");
  return status;
}

static bt_status refuse_part(const node *part, bt_error *error) {
  bt_error_set(error, BT_INVALID,
               "its example_violation does not meet this, so nothing says what the rule describes: for the bad trace "
               "correct the example; for the good one write when { … } always { … }");
  error->range = part->range;
  return BT_INVALID;
}

static void note_direction(bt_translation *t, const parts *p, bt_range range) {
  if (is_plainly_bad(p)) return;
  if (!t->example)
    bt_translation_note(t, true, &range,
                        "there is no example_violation, so nothing says whether this describes the bad trace or the "
                        "good one: it is read as the bad one; for the good one write when { … } always { … }");
  else if (p->count > 1)
    bt_translation_note(t, true, &range,
                        "its example_violation meets all of it, so it is read as the bad trace: if the last part is "
                        "what has to be there, write when { … } always { … }");
}

static bt_status write_bare(bt_translation *t, const node *condition, bt_buffer *out, bt_error *error) {
  parts p;
  bt_status status = BT_OK;
  bool is_split = split_condition(condition, &p);
  if (is_split && t->example) status = hold_against_example(t, &p, error);
  if (status) return status;
  bool is_met = !t->example || !is_split || p.held_count == p.count;
  bool turns = p.count > 1 ? p.held[0] : p.count == 1 && !is_threshold(p.items[0]);
  if (is_met) {
    if (is_split) note_direction(t, &p, condition->range);
    return bt_translate_condition(t, condition, out, error);
  }
  return turns ? turn_round(t, &p, condition->range, out, error) : refuse_part(p.items[0], error);
}

/* ---- a text ---- */

static bt_status write_rule(bt_translation *t, const bt_old_rule *rule, bt_buffer *out, bt_error *error) {
  if (rule->annotations.len) bt_buffer_printf(out, "%.*s\n", BT_FMT(rule->annotations));
  if (!rule->condition) return write_clauses(t, rule, out, error);
  return rule->is_of_one_span ? bt_translate_lone_test(t, rule->condition, out, error)
                              : write_bare(t, rule->condition, out, error);
}

/* A text that the original never had may be one of BeTraceDSL's own. */
static bt_status take_as_is(bt_translation *t, bt_str text, bt_buffer *out, bt_import_text *result, bt_error *error) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_compile_rule(text, false, &rule, &diagnostics, error);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  if (status == BT_INVALID || status == BT_LIMIT) return BT_OK;
  if (status) return status;
  bt_buffer_append(out, text);
  *result = BT_IMPORT_TEXT_AS_IS;
  bt_translation_note(t, false, NULL, "the text is BeTraceDSL already and is taken over as it is");
  return out->failed ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_import_convert(bt_translation *t, bt_str old_text, bt_buffer *out, bt_import_text *result, bt_error *why,
                            bt_error *error) {
  bt_old_rule rule;
  bt_arena tree;
  *result = BT_IMPORT_TEXT_NONE;
  bt_arena_init(&tree, TREE_ARENA_BYTES);
  bt_status status = bt_old_rule_parse(old_text, &tree, &rule, why);
  bool is_old = !status;
  if (is_old) status = write_rule(t, &rule, out, why);
  bt_arena_dispose(&tree);
  if (!status && out->failed) status = BT_NO_MEMORY;
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (!status) *result = BT_IMPORT_TEXT_MADE;
  return is_old ? BT_OK : take_as_is(t, old_text, out, result, error);
}

static bt_status write_swapped(bt_str old_text, bt_arena *tree, bt_buffer *out, bt_swap *swap, bt_error *error) {
  bt_old_rule rule;
  bt_translation silent = {.arena = tree, .is_silent = true};
  bt_status status = bt_old_rule_parse(old_text, tree, &rule, error);
  if (status) return status;
  if (!rule.always == !rule.never) return bt_error_set(error, BT_INVALID, "it has no single clause");
  swap->written = rule.always ? "always" : "never";
  swap->swapped = rule.always ? "never" : "always";
  node *kept = rule.always;
  rule.always = rule.never;
  rule.never = kept;
  status = write_clauses(&silent, &rule, out, error);
  return !status && out->failed ? bt_error_no_memory(error) : status;
}

bt_status bt_import_swap_clause(bt_str old_text, const bt_rulefile_test *example, bt_swap *swap, bt_error *error) {
  bt_arena tree;
  bt_buffer text = {0};
  bt_error why = {0};
  bt_verdict verdict = BT_NOT_APPLICABLE;
  bt_arena_init(&tree, TREE_ARENA_BYTES);
  bt_status status = write_swapped(old_text, &tree, &text, swap, &why);
  if (!status) status = bt_import_judge(bt_buffer_str(&text), example, &verdict, &why);
  bt_arena_dispose(&tree);
  bt_buffer_dispose(&text);
  swap->helps = !status && verdict == BT_VIOLATED;
  return status == BT_NO_MEMORY ? bt_error_no_memory(error) : BT_OK;
}
