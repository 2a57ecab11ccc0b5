/* Completion: text cases (cases/complete; the cursor is written ‸), and two properties over every rule of cases/parse
 * that compiles. What is in a rule is offered in its place, also while it is being typed and nothing follows. What is
 * offered could be written: the parser and the checker do not stumble over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/syntax/ast.h"
#include "dsl/syntax/lexer.h"
#include "dsl/syntax/vocabulary.h"
#include "server/editor/completion.h"
#include "server/editor/context.h"
#include "server/editor/language.h"
#include "tests/support/case_file.h"
#include "tests/support/rule_maker.h"
#include "tests/support/slow_build.h"

static const char cursor[] = "\xE2\x80\xB8"; /* ‸ */

static bt_error error;

static const bt_completion_item *find_item(const bt_completion *completion, bt_str label) {
  for (size_t i = 0; i < completion->count; i++)
    if (bt_str_equal(completion->items[i].label, label)) return &completion->items[i];
  return NULL;
}

/* ---- text cases ---- */

static const char *want_name(bt_want_of of) {
  static const char *const names[] = {"spans", "services", "messages", "span", "resource",
                                      "event", "link",     "scope",    "any"};
  return names[of];
}

static void show_wants(const bt_completion *completion, bt_buffer *out) {
  for (size_t i = 0; i < completion->want_count; i++) {
    const bt_completion_want *want = &completion->wants[i];
    bt_buffer_printf(out, "%s%s", i ? " " : "", want_name(want->of));
    if (want->key.ptr) bt_buffer_printf(out, "[%.*s]", BT_FMT(want->key));
    if (want->front.len) bt_buffer_printf(out, " behind %.*s", BT_FMT(want->front));
  }
}

static void show_labels(const bt_completion *completion, bt_buffer *out) {
  for (size_t i = 0; i < completion->count; i++)
    bt_buffer_printf(out, "%s%.*s", i ? " " : "", BT_FMT(completion->items[i].label));
}

static void expect_text(const text_case *c, const char *key, const bt_buffer *got) {
  const char *expected = case_get(c, key);
  if (expected && strcmp(expected, got->ptr ? got->ptr : "") != 0)
    fail_msg("%s:%u: %s\n--- expected\n%s\n--- got\n%s", c->file, c->line, key, expected, got->ptr ? got->ptr : "");
}

/* Each word of the list: it is offered, or it is not. */
static void expect_words(const text_case *c, const char *key, const bt_completion *completion, bool is_there) {
  const char *list = case_get(c, key);
  bt_buffer labels = {0};
  show_labels(completion, &labels);
  for (const char *at = list ? list : ""; *at;) {
    size_t length = strcspn(at, " \n");
    bt_str word = {at, length};
    if (length && (find_item(completion, word) != NULL) != is_there)
      fail_msg("%s:%u: `%.*s` is %soffered; offered are: %s", c->file, c->line, BT_FMT(word), is_there ? "not " : "",
               labels.ptr ? labels.ptr : "");
    at += length + (at[length] != '\0');
  }
  bt_buffer_dispose(&labels);
}

/* `take  label => text`: what the text is when that item was taken. Answers to wants are given as `tags`. */
static void expect_taken(const text_case *c, bt_str text, const bt_completion *completion) {
  const char *take = case_get(c, "take"), *gives = case_get(c, "gives");
  if (!take) return;
  const bt_completion_item *item = find_item(completion, bt_str_from(take));
  if (!item) fail_msg("%s:%u: `%s` is not offered", c->file, c->line, take);
  bt_buffer got = {0};
  bt_buffer_append(&got, (bt_str){text.ptr, completion->range.start});
  bt_buffer_append(&got, item->insert);
  bt_buffer_append(&got, (bt_str){text.ptr + completion->range.end, text.len - completion->range.end});
  if (!gives || strcmp(gives, got.ptr) != 0) fail_msg("%s:%u: gives\n%s", c->file, c->line, got.ptr);
  bt_buffer_dispose(&got);
}

static void add_tags(const text_case *c, bt_completion *completion) {
  const char *tags = case_get(c, "tags");
  for (const char *at = tags ? tags : ""; *at;) {
    size_t length = strcspn(at, "|\n");
    bool is_number = length && at[0] >= '0' && at[0] <= '9';
    for (size_t i = 0; i < completion->want_count && length; i++)
      assert_int_equal(bt_completion_add(completion, &completion->wants[i], (bt_str){at, length},
                                         is_number ? BT_VALUE_INT : BT_VALUE_STRING, &error),
                       BT_OK);
    at += length + (at[length] != '\0');
  }
  bt_completion_sort(completion);
}

static void run_case(const text_case *c, void *context) {
  (void)context;
  const char *text = case_get(c, "text");
  assert_non_null(text);
  const char *at = strstr(text, cursor);
  if (!at) fail_msg("%s:%u: no cursor", c->file, c->line);
  bt_buffer whole = {0}, wants = {0}, labels = {0};
  bt_completion completion;
  bt_buffer_append(&whole, (bt_str){text, (size_t)(at - text)});
  bt_buffer_append(&whole, bt_str_from(at + strlen(cursor)));
  assert_int_equal(bt_completion_run(bt_buffer_str(&whole), (size_t)(at - text), NULL, &completion, &error), BT_OK);
  show_wants(&completion, &wants);
  expect_text(c, "wants", &wants);
  add_tags(c, &completion);
  show_labels(&completion, &labels);
  expect_text(c, "items", &labels);
  expect_words(c, "has", &completion, true);
  expect_words(c, "lacks", &completion, false);
  expect_taken(c, bt_buffer_str(&whole), &completion);
  bt_completion_dispose(&completion);
  bt_buffer_dispose(&whole);
  bt_buffer_dispose(&wants);
  bt_buffer_dispose(&labels);
}

static void test_cases(void **state) {
  (void)state;
  assert_true(case_run_folder("cases/complete", run_case, NULL) >= 60);
}

/* ---- properties over rules that are known to be right ---- */

typedef struct tally {
  size_t rules, words, items, wrong;
} tally;

/* Says it, and goes on: one run shows all of them (up to a screen). */
__attribute__((format(printf, 2, 3))) static void complain(tally *count, const char *format, ...) {
  va_list list;
  if (++count->wrong > 30) return;
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  putchar('\n');
}

static bool compiles(bt_str text) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(text, &rule, &diagnostics, &error);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return status == BT_OK;
}

/* Names of spans and attributes come from wants; words of the language have to be there. */
static bool is_offered(const bt_completion *completion, bt_str word) {
  bt_language_word known;
  bt_str head = bt_path_head(word);
  for (size_t i = 0; i < completion->count; i++) {
    const bt_completion_item *item = &completion->items[i];
    if (bt_str_equal(item->label, word)) return true;
    if (item->kind == BT_COMPLETION_VALUE && bt_str_equal_nocase(item->label, word)) return true; /* SERVER */
    /* An attribute of the span, whose head is being typed. */
    if (head.len < word.len && bt_str_equal(bt_path_head(item->label), head)) return true;
    if (item->kind == BT_COMPLETION_BINDING && bt_str_equal(item->label, head)) return true; /* c of c.start */
  }
  /* The lexer parts `b.where(`; while it is typed it is one word. */
  for (size_t i = 0; i < completion->count && bt_str_equal(word, BT_STR("where")); i++)
    if (bt_str_ends_with(completion->items[i].label, BT_STR(".where"))) return true;
  if (!completion->want_count) return false;
  /* Where an operand stands, these are names like any other. */
  return !bt_language_find(word, 0, &known) || known.class == BT_WORD_CLAUSE || known.class == BT_WORD_RELATION ||
         known.class == BT_WORD_PART;
}

static bool names_a_binding(const bt_tokens *tokens, size_t i) {
  return i > 0 && tokens->items[i - 1].kind == BT_TOKEN_PATH && bt_str_equal(tokens->items[i - 1].text, BT_STR("as"));
}

/* A bare word on the right of something computed, or of a vendor's member of the trace state, is a string of which
 * nothing is known. */
static bool is_string_of_nothing(bt_str text, size_t offset) {
  bt_arena arena;
  bt_context context;
  bt_arena_init(&arena, 1 << 20);
  assert_int_equal(bt_context_find(text, offset, &arena, &context, &error), BT_OK);
  bt_arena_dispose(&arena);
  bool is_of_vendor =
      context.left_kind == BT_LEFT_INDEX && bt_str_equal(bt_path_last(context.left), BT_STR("trace_state"));
  return context.expect == BT_EXPECT_VALUE && (context.left_kind == BT_LEFT_OTHER || is_of_vendor);
}

static bool is_offered_at(bt_str text, size_t offset, bt_str word) {
  bt_completion completion;
  bt_language_word known;
  assert_int_equal(bt_completion_run(text, offset, NULL, &completion, &error), BT_OK);
  bool is_there =
      is_offered(&completion, word) || (is_string_of_nothing(text, offset) && !bt_language_find(word, 0, &known));
  bt_completion_dispose(&completion);
  return is_there;
}

/* The two words that are one: "child of", "not in". */
static bt_str whole_word(const bt_tokens *tokens, size_t i, bt_str text) {
  bt_str word = tokens->items[i].text;
  bt_language_word known;
  if (i + 1 >= tokens->count || tokens->items[i + 1].kind != BT_TOKEN_PATH) return word;
  bt_str both = {text.ptr + tokens->items[i].range.start,
                 tokens->items[i + 1].range.end - tokens->items[i].range.start};
  return bt_language_find(both, 0, &known) ? both : word;
}

static void expect_offered(bt_str text, const bt_tokens *tokens, size_t i, tally *count) {
  const bt_token *token = &tokens->items[i];
  bool second = i > 0 && tokens->items[i - 1].kind == BT_TOKEN_PATH &&
                whole_word(tokens, i - 1, text).len > tokens->items[i - 1].text.len;
  if (token->kind != BT_TOKEN_PATH || names_a_binding(tokens, i) || second) return;
  bt_str word = whole_word(tokens, i, text);
  for (uint32_t at = token->range.start; at < token->range.end; at++) {
    bt_str cut = {text.ptr, at};
    bool is_before = at == token->range.start; /* then it stands behind the cursor, and is not being typed */
    if ((!is_before && !is_offered_at(text, at, word)) || !is_offered_at(cut, at, word))
      complain(count, "`%.*s` is not offered at %u of: %.*s", BT_FMT(word), at, BT_FMT(text));
    count->words++;
  }
}

/* Does the check of the text stumble over what stands from `start` to `end`? */
static bool is_refused(bt_str text, uint32_t start, uint32_t end, bt_buffer *why) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bool is_wrong = false;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(text, &rule, &diagnostics, &error);
  assert_true(status == BT_OK || status == BT_INVALID);
  for (size_t i = 0; i < diagnostics.count && !is_wrong; i++) {
    const bt_diagnostic *found = &diagnostics.items[i];
    bool is_syntax = strcmp(found->code, "E010") == 0 || strcmp(found->code, "E020") == 0 ||
                     strcmp(found->code, "E011") == 0 || strcmp(found->code, "E001") == 0;
    is_wrong = is_syntax && found->range.start >= start && found->range.start < end;
    if (is_wrong) bt_buffer_printf(why, "%s %.*s\n", found->code, BT_FMT(found->message));
  }
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return is_wrong;
}

/* Written with some continuation, the check does not stumble over it: a field alone is no condition yet. */
static void expect_writable(bt_str text, uint32_t start, bt_str insert, tally *count) {
  static const char *const rests[] = {"", " > 5", " > 5ms", " == \"x\"", "a)", "k\"] == 1", " 5"};
  bt_buffer with = {0}, why = {0};
  bool is_wrong = true;
  for (size_t i = 0; i < sizeof rests / sizeof rests[0] && is_wrong; i++) {
    bt_buffer_clear(&with);
    bt_buffer_clear(&why);
    bt_buffer_append(&with, (bt_str){text.ptr, start});
    bt_buffer_append(&with, insert);
    bt_buffer_append(&with, bt_str_from(rests[i]));
    is_wrong = is_refused(bt_buffer_str(&with), start, start + (uint32_t)insert.len, &why);
  }
  if (is_wrong)
    complain(count, "`%.*s` was offered, and the check says:\n%sin: %.*s", BT_FMT(insert), why.ptr, (int)start,
             text.ptr);
  bt_buffer_dispose(&with);
  bt_buffer_dispose(&why);
}

/* Everything that is offered behind the first tokens of a rule. */
static void expect_sound(bt_str text, uint32_t offset, tally *count) {
  bt_completion completion;
  bt_str cut = {text.ptr, offset};
  assert_int_equal(bt_completion_run(cut, offset, NULL, &completion, &error), BT_OK);
  for (size_t i = 0; i < completion.count; i++)
    expect_writable(text, completion.range.start, completion.items[i].insert, count);
  count->items += completion.count;
  bt_completion_dispose(&completion);
}

/* Names and items of annotations are the user's own. */
static size_t end_of_annotations(const bt_tokens *tokens) {
  size_t at = 0, depth = 0;
  while (tokens->items[at].kind == BT_TOKEN_AT) {
    at += 2;
    if (tokens->items[at].kind != BT_TOKEN_LEFT_PAREN) continue;
    do {
      depth += tokens->items[at].kind == BT_TOKEN_LEFT_PAREN;
      depth -= tokens->items[at++].kind == BT_TOKEN_RIGHT_PAREN;
    } while (depth);
  }
  return at;
}

static void check_text(bt_str text, tally *count) {
  bt_arena arena;
  bt_tokens tokens;
  bt_diagnostics diagnostics;
  bt_arena_init(&arena, 1 << 20);
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_lexer_run(text, &arena, &diagnostics, &tokens, &error), BT_OK);
  size_t annotations_end = end_of_annotations(&tokens);
  for (size_t i = 0; i < tokens.count; i++) {
    if (i >= annotations_end) expect_offered(text, &tokens, i, count);
    expect_sound(text, tokens.items[i].range.start, count);
  }
  count->rules++;
  bt_tokens_dispose(&tokens);
  bt_diagnostics_dispose(&diagnostics);
  bt_arena_dispose(&arena);
}

enum { EVERY = ROUNDS_OF(1, 3) };

static void check_rule(const text_case *c, void *context) {
  static size_t seen;
  const char *text = case_get(c, "text"), *says = case_get(c, "says");
  if (says && strstr(says, "W025")) return; /* what that warns of is read, and not offered */
  if (text && seen++ % EVERY == 0 && compiles(bt_str_from(text))) check_text(bt_str_from(text), context);
}

static void test_random_rules(void **state) {
  (void)state;
  tally count = {0};
  maker m = {.random = test_random_start(20261120)};
  while (count.rules < 30) {
    maker_say_rule(&m);
    if (compiles(bt_buffer_str(&m.text))) check_text(bt_buffer_str(&m.text), &count);
  }
  bt_buffer_dispose(&m.text);
  assert_int_equal(count.wrong, 0);
  assert_true(count.words > 500);
}

static void test_rules(void **state) {
  (void)state;
  tally count = {0};
  case_run_folder("cases/parse", check_rule, &count);
  printf("%zu rules, %zu places of words, %zu items\n", count.rules, count.words, count.items);
  assert_int_equal(count.wrong, 0);
  assert_true(count.rules > 150 / EVERY && count.words > 5000 / EVERY && count.items > 10000 / EVERY);
}

/* ---- words and their docs ---- */

static void test_every_word_is_described(void **state) {
  (void)state;
  bt_language_word word, found;
  size_t count = 0;
  for (; bt_language_word_at(count, &word); count++) {
    if (!word.doc || !word.doc[0] || !word.signature || !word.signature[0])
      fail_msg("`%s` has no doc: add a row in language.c", word.name);
    assert_true(bt_language_find(bt_str_from(word.name), 0, &found));
  }
  assert_true(count > 80);
  for (size_t i = 0; bt_vocabulary_reserved(i); i++) {
    bt_str reserved = bt_str_from(bt_vocabulary_reserved(i));
    static const char *const heads[] = {"trace", "resource", "scope",   "event",   "link",
                                        "child", "parent",   "sibling", "duration"};
    bool is_head = false;
    for (size_t k = 0; k < sizeof heads / sizeof heads[0]; k++)
      is_head |= bt_str_equal(reserved, bt_str_from(heads[k]));
    if (!is_head && !bt_language_find(reserved, 0, &found))
      fail_msg("`%.*s` is reserved and not described", BT_FMT(reserved));
  }
}

static void test_bad_offsets(void **state) {
  (void)state;
  bt_completion completion;
  assert_int_equal(bt_completion_run(BT_STR("a"), 2, NULL, &completion, &error), BT_INVALID);
  bt_completion_dispose(&completion);
  for (size_t offset = 0; offset <= 7; offset++) {
    assert_int_equal(bt_completion_run(BT_STR("\xC3\xA9t\xC3\xA9 x"), offset, NULL, &completion, &error), BT_OK);
    bt_completion_dispose(&completion);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_word_is_described), cmocka_unit_test(test_cases),
                                     cmocka_unit_test(test_rules), cmocka_unit_test(test_random_rules),
                                     cmocka_unit_test(test_bad_offsets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
