/* Formatting with comments anywhere: random rules with comments between their tokens. What is written means the same,
 * has every comment, in their order, and is itself when it is written once more.
 *
 *   format_property [RULES]
 *
 * RULES rules, 10,000 when it is not said. BETRACE_SEED in the environment replaces the seed. */
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/syntax/lexer.h"
#include "tests/diff/random_rule.h"

enum { DEFAULT_RULES = 10000, MAX_COMMENTS = 6, MAX_SHOWN = 8, ARENA_BYTES = 1024 * 1024 };

static void stop(const char *what) {
  fprintf(stderr, "format_property: %s\n", what);
  exit(1);
}

static unsigned put_comment(test_random *random, unsigned number, bt_buffer *out) {
  switch (test_random_below(random, 5)) {
  case 0: bt_buffer_printf(out, " # c%u\n", number); break;
  case 1: bt_buffer_printf(out, "\n// c%u\n", number); break;
  case 2: bt_buffer_printf(out, "\n/* c%u */\n", number); break;
  case 3: bt_buffer_printf(out, "\n# c%u, a longer one\n\n", number); break;
  default: bt_buffer_printf(out, " /* c%u */ ", number);
  }
  return number + 1;
}

/* The rule with comments between some of its tokens; returns how many. */
static unsigned add_comments(test_random *random, bt_str rule, bt_buffer *out) {
  bt_arena arena;
  bt_tokens tokens;
  bt_diagnostics diagnostics;
  unsigned count = 0;
  uint32_t copied = 0;
  bt_arena_init(&arena, ARENA_BYTES);
  bt_diagnostics_init(&diagnostics);
  if (bt_lexer_run(rule, &arena, &diagnostics, &tokens, NULL) != BT_OK) stop("no tokens");
  unsigned every = 1 + test_random_below(random, (unsigned)tokens.count);
  for (size_t i = 0; i < tokens.count; i++) {
    uint32_t end = tokens.items[i].range.end;
    bt_buffer_append(out, (bt_str){rule.ptr + copied, end - copied});
    copied = end;
    /* A dot and what is behind it are no place for the comment of a reader. */
    bool joins = i + 1 < tokens.count && tokens.items[i + 1].range.start == end && rule.ptr[end] == '.';
    if (count < MAX_COMMENTS && !joins && tokens.items[i].kind != BT_TOKEN_DOT && !test_random_below(random, every))
      count = put_comment(random, count, out);
  }
  bt_tokens_dispose(&tokens);
  bt_diagnostics_dispose(&diagnostics);
  bt_arena_dispose(&arena);
  return count;
}

static bool format(bt_str text, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bool good = bt_rule_format(text, out, &diagnostics, NULL) == BT_OK;
  bt_diagnostics_dispose(&diagnostics);
  return good;
}

/* Appends the canonical text, which has no comments. False: it has errors. */
static bool read_canonical(bt_str text, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  bool good = bt_rule_compile(text, &rule, &diagnostics, NULL) == BT_OK;
  if (good) bt_buffer_append(out, rule->canonical);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return good;
}

static bool has_all_comments(const char *text, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, " c%u", i);
    text = strstr(text, name);
    if (!text) return false;
    text += strlen(name);
  }
  return true;
}

/* Parentheses around a whole condition are left out, with comments on both sides of them. */
static void write_rule(test_random *random, bt_buffer *out) {
  static const char *const clauses[] = {"when", "always", "never", "@"};
  random_rule_write(random, out);
  for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
    if (bt_str_starts_with(bt_buffer_str(out), bt_str_from(clauses[i]))) return;
  if (test_random_below(random, 3)) return;
  bt_buffer inner = *out;
  *out = (bt_buffer){0};
  bt_buffer_printf(out, "(%s)", inner.ptr);
  bt_buffer_dispose(&inner);
}

/* What is wrong with how this text is formatted, or NULL. */
static const char *judge(bt_str text, unsigned comments, bt_buffer *once, bt_buffer *twice) {
  bt_buffer before = {0}, after = {0};
  const char *problem = NULL;
  if (!read_canonical(text, &before))
    problem = "the rule with comments has errors";
  else if (!format(text, once) || !format(bt_buffer_str(once), twice))
    problem = "it is not formatted";
  else if (!bt_str_equal(bt_buffer_str(once), bt_buffer_str(twice)))
    problem = "formatting twice gives another text";
  else if (!has_all_comments(once->ptr, comments))
    problem = "a comment is lost or in another place";
  else if (!read_canonical(bt_buffer_str(once), &after) || !bt_str_equal(bt_buffer_str(&before), bt_buffer_str(&after)))
    problem = "it means something else";
  bt_buffer_dispose(&before);
  bt_buffer_dispose(&after);
  return problem;
}

int main(int argc, char **argv) {
  uint64_t rules = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_RULES, wrong = 0, all = 0;
  if (rules == 0) stop("expected a number of rules above 0");
  test_random random = test_random_start(20261123);
  for (uint64_t i = 0; i < rules; i++) {
    bt_buffer rule = {0}, text = {0}, once = {0}, twice = {0};
    write_rule(&random, &rule);
    unsigned comments = add_comments(&random, bt_buffer_str(&rule), &text);
    all += comments;
    const char *problem = judge(bt_buffer_str(&text), comments, &once, &twice);
    if (problem && ++wrong <= MAX_SHOWN)
      printf("--- %s\n%s\n--- once\n%s--- twice\n%s", problem, text.ptr, once.ptr ? once.ptr : "",
             twice.ptr ? twice.ptr : "");
    bt_buffer_dispose(&rule);
    bt_buffer_dispose(&text);
    bt_buffer_dispose(&once);
    bt_buffer_dispose(&twice);
  }
  printf("%llu rules with %llu comments, %llu of them wrong\n", (unsigned long long)rules, (unsigned long long)all,
         (unsigned long long)wrong);
  return wrong == 0 && all > rules ? 0 : 1;
}
