/* A rule, an empty line, and a trace as text (tests/support/trace_text.h). Without an empty line a hash of the rule
 * makes the trace at random. Evaluates it complete, incomplete and under skew, with a small step budget. The result
 * must be well-formed, and what is certain of the incomplete trace must hold for the complete one. Among other rules a
 * rule must say what it says alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tests/support/random_case.h"
#include "tests/support/trace_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OTHER_RULES = 12, MAX_CHOICES = 10, MAX_WITNESSES = 32, STEP_BUDGET = 20000 };

static void require(bool holds) {
  if (!holds) abort();
}

static bt_rule *compile(bt_str text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(text, &rule, &diagnostics, NULL);
  require((status == BT_OK) == (rule != NULL));
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

/* ---- what comes out ---- */

static void check_choice(const bt_choice *choice, const bt_rule *rule, const bt_trace *trace) {
  require(choice->witness_count <= MAX_WITNESSES);
  require(choice->failed.start <= choice->failed.end && choice->failed.end <= rule->text.len);
  for (uint32_t i = 0; i < choice->witness_count; i++) {
    const bt_witness *witness = &choice->witnesses[i];
    require(witness->span < trace->span_count);
    require(witness->binding >= BT_NO_BINDING && witness->binding < rule->binding_count);
    require(witness->range.start <= witness->range.end && witness->range.end <= rule->text.len);
  }
}

static void check_verdict(const bt_rule_verdict *verdict, const bt_rule *rule, const bt_trace *trace) {
  bool is_violated = verdict->verdict == BT_VIOLATED;
  require(verdict->verdict <= BT_NOT_APPLICABLE && verdict->reason <= BT_REASON_LINKED &&
          verdict->exercised <= BT_TRUE);
  require((verdict->reason != BT_REASON_NONE) == (verdict->verdict == BT_INCONCLUSIVE));
  require((verdict->choice_total > 0) == is_violated && (verdict->choice_count > 0) == is_violated);
  require(verdict->choice_count <= MAX_CHOICES && verdict->choice_count <= verdict->choice_total);
  for (uint32_t i = 0; i < verdict->choice_count; i++) check_choice(&verdict->choices[i], rule, trace);
}

/* ---- alone and among others ---- */

typedef struct judge {
  const bt_rule *rules[OTHER_RULES + 1]; /* the rule under test comes last */
  size_t count;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
} judge;

static void start_judge(judge *j) {
  require(bt_ruleset_new(j->rules, j->count, &j->ruleset, NULL) == BT_OK);
  require(bt_evaluator_new(j->ruleset, &j->evaluator, NULL) == BT_OK);
}

static void dispose_judge(judge *j) {
  bt_evaluator_free(j->evaluator);
  bt_ruleset_free(j->ruleset);
}

static bt_rule_verdict ask(judge *j, const bt_trace *trace, bt_eval_options options) {
  bt_eval_options all[OTHER_RULES + 1];
  const bt_rule_verdict *verdicts;
  options.step_budget = STEP_BUDGET;
  for (size_t i = 0; i < j->count; i++) all[i] = options;
  require(bt_evaluator_run(j->evaluator, trace, all, &verdicts, NULL) == BT_OK);
  for (size_t i = 0; i < j->count; i++) check_verdict(&verdicts[i], j->rules[i], trace);
  return verdicts[j->count - 1];
}

static bt_verdict ask_both(judge *alone, judge *among, const bt_trace *trace, bt_eval_options options) {
  bt_rule_verdict a = ask(alone, trace, options), b = ask(among, trace, options);
  require(a.verdict == b.verdict && a.reason == b.reason && a.exercised == b.exercised);
  require(a.choice_total == b.choice_total && a.choice_count == b.choice_count);
  return a.verdict;
}

/* Enough other rules that spans are grouped for them. */
static bt_rule *other_rules[OTHER_RULES];

static void make_other_rules(void) {
  for (int i = 0; i < OTHER_RULES && !other_rules[i]; i++) {
    bt_buffer text = {0};
    bt_buffer_printf(&text, "x.where(k == \"%d\" and n != %d) and not y", i, i);
    other_rules[i] = compile(bt_buffer_str(&text));
    bt_buffer_dispose(&text);
    require(other_rules[i] != NULL);
  }
}

static void evaluate(const bt_rule *rule, const bt_trace *trace) {
  judge alone = {.rules = {rule}, .count = 1}, among = {.count = OTHER_RULES + 1};
  for (int i = 0; i < OTHER_RULES; i++) among.rules[i] = other_rules[i];
  among.rules[OTHER_RULES] = rule;
  start_judge(&alone);
  start_judge(&among);
  bt_verdict complete = ask_both(&alone, &among, trace, (bt_eval_options){0});
  bt_verdict incomplete = ask_both(&alone, &among, trace, (bt_eval_options){.incomplete = true});
  ask_both(&alone, &among, trace, (bt_eval_options){.clock_skew_ns = 1000000});
  bool are_definite = complete != BT_INCONCLUSIVE && incomplete != BT_INCONCLUSIVE;
  require(!are_definite || complete == incomplete);
  dispose_judge(&alone);
  dispose_judge(&among);
}

/* ---- input ---- */

static const bt_trace *make_trace(bt_arena *arena, bt_str rule, const char *lines) {
  char message[128];
  if (lines) return trace_text_read(arena, lines, message, sizeof message);
  random_source source;
  bt_buffer text = {0};
  random_seed(&source, bt_str_hash(rule));
  random_trace(&source, true, &text);
  const bt_trace *trace = trace_text_read(arena, text.ptr, message, sizeof message);
  bt_buffer_dispose(&text);
  require(trace != NULL);
  return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  make_other_rules();
  char *text = malloc(size + 1);
  if (!text || size > 8192 || (size && memchr(data, '\0', size))) {
    free(text);
    return 0;
  }
  if (size) memcpy(text, data, size);
  text[size] = '\0';
  char *lines = strstr(text, "\n\n");
  bt_str rule_text = {text, lines ? (size_t)(lines - text) : size};
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 26);
  bt_rule *rule = compile(rule_text);
  const bt_trace *trace = rule ? make_trace(&arena, rule_text, lines ? lines + 2 : NULL) : NULL;
  if (trace) evaluate(rule, trace);
  bt_rule_free(rule);
  bt_arena_dispose(&arena);
  free(text);
  return 0;
}
