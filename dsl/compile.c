/* Compiling a rule: text → tokens → tree → checked rule, and formatting. See compile.h. The tree lives in an arena of
 * its own, which ends with the check; the rule owns one arena with its text and everything that was made from it. */
#include "dsl/compile.h"

#include <stdlib.h>

#include "dsl/check/checker.h"
#include "dsl/pattern/pattern.h"
#include "dsl/plan/plan.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/format.h"
#include "dsl/syntax/lexer.h"
#include "dsl/syntax/parser.h"

enum { MAX_RULE_ARENA_BYTES = 32 * 1024 * 1024, MAX_TREE_ARENA_BYTES = 32 * 1024 * 1024 };

/* What a bt_rule really is: the public part comes first. */
typedef struct owned_rule {
  bt_rule rule;
  bt_arena arena;
  bt_pattern_list *patterns;
} owned_rule;

/* One check's tokens and tree. */
typedef struct front {
  bt_arena arena;
  bt_tokens tokens;
  bt_ast_rule tree;
} front;

static bool check_length(bt_str text, bt_diagnostics *diagnostics) {
  if (text.len <= BT_MAX_RULE_BYTES) return true;
  bt_diagnostics_add(diagnostics, text, BT_E_LIMIT, (bt_range){BT_MAX_RULE_BYTES, BT_MAX_RULE_BYTES},
                     "a rule's text has at most %d bytes, and this one has %zu: split it into several rules",
                     BT_MAX_RULE_BYTES, text.len);
  return false;
}

static bt_status refuse_rule(const bt_diagnostics *diagnostics, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the rule has %zu error%s", diagnostics->error_count,
                      diagnostics->error_count == 1 ? "" : "s");
}

/* `parsed` is to be disposed in any case. BT_OK also when there were diagnostics. */
static bt_status parse_text(bt_str text, front *parsed, bt_diagnostics *diagnostics, bt_error *error) {
  *parsed = (front){0};
  bt_arena_init(&parsed->arena, MAX_TREE_ARENA_BYTES);
  if (!check_length(text, diagnostics)) return refuse_rule(diagnostics, error);
  bt_status status = bt_lexer_run(text, &parsed->arena, diagnostics, &parsed->tokens, error);
  if (status != BT_OK) return status;
  /* Nothing readable: what is missing behind that is no news. */
  parsed->tree.is_incomplete = diagnostics->error_count && parsed->tokens.count == 1;
  if (parsed->tree.is_incomplete) return BT_OK;
  return bt_parser_run(text, &parsed->tokens, &parsed->arena, diagnostics, &parsed->tree, error);
}

static void dispose_front(front *parsed) {
  bt_tokens_dispose(&parsed->tokens);
  bt_arena_dispose(&parsed->arena);
}

/* Batches give no events and no scopes: a trace of such a rule is one request. The planner says it, as of a replay;
 * most rules name spans, and need not be planned for that. */
static bt_status warn_of_unsearchable(const bt_rule *rule, bt_range range, bt_diagnostics *diagnostics,
                                      bt_error *error) {
  if (bt_rule_names_span(rule)) return BT_OK;
  bool finds = true;
  bt_projection read;
  bt_projection_init(&read);
  bt_status status = bt_plan_finds(rule, &finds, error);
  if (!status && !finds) status = bt_projection_add(&read, rule, error);
  if (!status && !finds)
    bt_diagnostics_add(diagnostics, rule->text, BT_W_READS_ALL, range,
                       "no search finds what this rule looks for, so of 1000 traces it reads 1000%s: name in `when` a "
                       "span that these traces have",
                       read.whole_trace ? ", one request each" : "");
  bt_projection_dispose(&read);
  return status;
}

/* The last of a good rule's warnings. */
static bt_status warn_of_reading_all(const bt_rule *rule, const bt_ast_rule *tree, bt_diagnostics *diagnostics,
                                     bt_error *error) {
  bt_range range = tree->condition ? tree->condition->range : tree->clauses[0].keyword;
  if (bt_rule_has_positive_selector(rule)) return warn_of_unsearchable(rule, range, diagnostics, error);
  bt_diagnostics_add(
      diagnostics, rule->text, BT_W_READS_ALL, range,
      "no span has to be there for a violation, so every trace has to be read: say in `when` which traces are meant");
  return BT_OK;
}

/* What the names mean is part of what the rule means. */
static void write_conventions(bt_str said, bt_buffer *out) {
  bool is_word = bt_str_equal(said, BT_STR("stable"));
  if (said.len) bt_buffer_printf(out, is_word ? "@semconv(%.*s)\n" : "@semconv(\"%.*s\")\n", BT_FMT(said));
}

static void write_clocks(bt_coarse_clocks said, bt_buffer *out) {
  if (said) bt_buffer_printf(out, "@coarse_clocks(%s)\n", bt_coarse_clocks_name(said));
}

void bt_rule_write_meaning(const bt_rule *rule, bt_buffer *out) {
  write_conventions(rule->conventions, out);
  write_clocks(rule->coarse_clocks, out);
  bt_buffer_append(out, rule->own_names);
}

static bt_status set_canonical(owned_rule *owned, const bt_ast_rule *tree, bt_error *error) {
  bt_buffer buffer = {0};
  bt_rule_write_meaning(&owned->rule, &buffer);
  bt_format_canonical(tree, &buffer);
  bool copied = !buffer.failed && bt_arena_copy(&owned->arena, bt_buffer_str(&buffer), &owned->rule.canonical);
  bt_buffer_dispose(&buffer);
  return copied ? BT_OK : bt_error_no_memory(error);
}

static bt_status compile_rule(owned_rule *owned, const bt_compile_options *options, bt_diagnostics *diagnostics,
                              bt_error *error) {
  bt_checker_names names = {.conventions = options->conventions ? options->conventions : bt_conventions_built_in(),
                            .beside = options->semconv,
                            .clocks_beside = options->coarse_clocks,
                            .own_names = options->own_names,
                            .proposes = options->proposes};
  front parsed;
  bt_status status = parse_text(owned->rule.text, &parsed, diagnostics, error);
  if (status == BT_OK && parsed.tree.is_incomplete) status = refuse_rule(diagnostics, error);
  if (status == BT_OK)
    status = bt_checker_run(owned->rule.text, &parsed.tree, &names, &owned->arena, diagnostics, &owned->rule,
                            &owned->patterns, error);
  if (status == BT_OK) status = warn_of_reading_all(&owned->rule, &parsed.tree, diagnostics, error);
  if (status == BT_OK) status = set_canonical(owned, &parsed.tree, error);
  dispose_front(&parsed);
  return status;
}

bt_status bt_rule_compile(bt_str text, bt_rule **out, bt_diagnostics *diagnostics, bt_error *error) {
  const bt_compile_options none = {0};
  return bt_rule_compile_with(text, &none, out, diagnostics, error);
}

bt_status bt_rule_compile_with(bt_str text, const bt_compile_options *options, bt_rule **out,
                               bt_diagnostics *diagnostics, bt_error *error) {
  *out = NULL;
  owned_rule *owned = calloc(1, sizeof *owned);
  if (!owned) return bt_error_no_memory(error);
  bt_arena_init(&owned->arena, MAX_RULE_ARENA_BYTES);
  bt_status status = BT_OK;
  if (!check_length(text, diagnostics))
    status = refuse_rule(diagnostics, error);
  else if (!bt_arena_copy(&owned->arena, text, &owned->rule.text))
    status = bt_error_no_memory(error);
  else
    status = compile_rule(owned, options, diagnostics, error);
  bt_diagnostics_sort(diagnostics);
  if (diagnostics->no_memory) status = bt_error_no_memory(error);
  if (status == BT_OK)
    *out = &owned->rule;
  else
    bt_rule_free(&owned->rule);
  return status;
}

void bt_rule_free(bt_rule *rule) {
  if (!rule) return;
  owned_rule *owned = (owned_rule *)rule;
  for (bt_pattern_list *entry = owned->patterns; entry; entry = entry->next) bt_pattern_free(entry->pattern);
  bt_arena_dispose(&owned->arena);
  free(owned);
}

size_t bt_rule_pattern_bytes(const bt_rule *rule) {
  const owned_rule *owned = (const owned_rule *)rule;
  size_t bytes = 0;
  for (const bt_pattern_list *entry = owned->patterns; entry; entry = entry->next)
    bytes += bt_pattern_bytes(entry->pattern);
  return bytes;
}

size_t bt_rule_bytes(const bt_rule *rule) {
  const owned_rule *owned = (const owned_rule *)rule;
  return sizeof *owned + bt_arena_held_bytes(&owned->arena) + bt_rule_pattern_bytes(rule);
}

bt_status bt_rule_format(bt_str text, bt_buffer *out, bt_diagnostics *diagnostics, bt_error *error) {
  front parsed;
  bt_status status = parse_text(text, &parsed, diagnostics, error);
  bt_diagnostics_sort(diagnostics);
  if (diagnostics->no_memory)
    status = bt_error_no_memory(error);
  else if (status == BT_OK && diagnostics->error_count)
    status = refuse_rule(diagnostics, error);
  if (status == BT_OK) bt_format_with_comments(text, &parsed.tokens, &parsed.tree, out);
  if (status == BT_OK && out->failed) status = bt_error_no_memory(error);
  dispose_front(&parsed);
  return status;
}
