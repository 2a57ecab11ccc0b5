/* What replays ask their source is the same, byte for byte, while planner and replay are built anew. Each of the rules
 * of golden_rules.h is asked alone in five kinds of replays, and five of them together. The source is the scripted one:
 * its traces have spans of the names that the searches hold, so that some are found, read and compared. With --update
 * the test writes cases/question_golden.txt anew. --print NAME prints the questions behind one of its hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/base/mix.h"
#include "tempo/api/traceql.h"
#include "server/replay/candidates.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/asked.h"
#include "tests/support/golden_rules.h"

enum {
  TRACES = 60,
  MOST_WORDS = 16,
  TOGETHER = 5,
  LEAST_QUESTIONS = 20000,
  LEAST_JOINED = 40,
  BY_MEMORY = 200000 /* what more is follows from sizes of structs */
};

/* ---- what is asked ---- */

static bt_source_operations real;
static bt_buffer asked;
static size_t question_count, joined_count;

static void say_range(bt_time_range range) {
  bt_buffer_printf(&asked, " over %lld to %lld", (long long)((range.start_ns - NOON_NS) / 1000000),
                   (long long)((range.end_ns - NOON_NS) / 1000000));
  question_count++;
}

static void say_projection(const bt_projection *projection) {
  for (uint32_t group = 0; projection && group < bt_projection_groups(projection); group++) {
    bt_buffer_append(&asked, BT_STR("\n  "));
    bt_traceql_read(NULL, 0, projection, group, BT_COLUMNS_OF_STRINGS_AND_INTEGERS, &asked);
  }
}

static void say_search(const char *how, const bt_search_request *request) {
  bt_buffer_printf(&asked, "%s %.*s", how, BT_FMT(asked_text(request->query)));
  say_range(request->range);
  if (request->max_found <= BY_MEMORY) bt_buffer_printf(&asked, " at most %zu", request->max_found);
  bt_buffer_printf(&asked, " about %llu%s\n", (unsigned long long)request->expected,
                   request->may_widen ? ", or wider" : "");
}

static bt_status search(bt_source *source, const bt_search_request *request, bt_found_list *found,
                        bt_source_account *account, bt_error *error) {
  say_search("search", request);
  return real.search(source, request, found, account, error);
}

static bt_ahead *begin(bt_source *source, const bt_asked *ahead, bt_source_account *account) {
  if (ahead->kind == BT_AHEAD_SEARCH) say_search("ahead ", ahead->search);
  return real.begin(source, ahead, account);
}

static bt_status read_traces(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                             bt_source_account *account, bt_error *error) {
  bt_buffer_printf(&asked, "read %zu %s %.*s", request->count, request->by_id ? "by id" : "in batches",
                   BT_FMT(asked_text(request->spans.asked)));
  say_range(request->range);
  say_projection(request->projection);
  bt_buffer_append_char(&asked, '\n');
  return real.read(source, request, sink, context, account, error);
}

static bt_status find_spans(bt_source *source, const bt_spans_request *request, bt_spans_sink sink, void *context,
                            bt_source_account *account, bt_error *error) {
  bt_buffer_printf(&asked, "spans %.*s", BT_FMT(asked_text(request->spans.asked)));
  say_range(request->range);
  say_projection(request->projection);
  bt_buffer_append_char(&asked, '\n');
  return real.find_spans(source, request, sink, context, account, error);
}

static bt_status find_linking(bt_source *source, const bt_links_request *request, bt_found_list *found,
                              bt_source_account *account, bt_error *error) {
  bt_buffer_printf(&asked, "linking to %zu %.*s", request->count, BT_FMT(asked_text(request->query)));
  say_range(request->range);
  bt_buffer_append_char(&asked, '\n');
  return real.find_linking(source, request, found, account, error);
}

/* ---- whom ---- */

typedef struct words {
  char *items[MOST_WORDS];
  size_t count;
} words;

static void add_word(words *of, bt_str word) {
  for (size_t i = 0; i < of->count; i++)
    if (bt_str_equal(bt_str_from(of->items[i]), word)) return;
  if (of->count < MOST_WORDS && word.len && word.len < 64) of->items[of->count++] = strndup(word.ptr, word.len);
}

/* Adds each text that stands in quotes in the rule's searches. */
static void add_words(words *of, const bt_over *over) {
  for (uint32_t i = 0; i < over->item_count; i++) add_words(of, over->items[i]);
  if (over->kind != BT_OVER_QUERY) return;
  const bt_str text = asked_text(over->query.asked);
  const char *at = text.ptr, *end = at + text.len, *close;
  for (; at && (at = memchr(at, '"', (size_t)(end - at))); at = close + 1) {
    close = memchr(at + 1, '"', (size_t)(end - at - 1));
    if (!close) return;
    add_word(of, (bt_str){at + 1, (size_t)(close - at - 1)});
  }
}

static void add_words_of(words *of, const bt_rule_definition *definition) {
  bt_plan *plan = NULL;
  bt_error error = {0};
  assert_int_equal(bt_plan_new(definition->rule, bt_traceql_dialect(), &plan, &error), BT_OK);
  if (plan->violating) add_words(of, plan->violating);
  bt_plan_free(plan);
}

static size_t draw(uint64_t *state, size_t below) {
  return (size_t)(bt_mix_bits(*state += 0x9E3779B97F4A7C15u) % below);
}

static void add_traces(fake_source *fake, const words *of) {
  uint64_t state = 54;
  for (uint64_t number = 1; number <= TRACES; number++) {
    fake_trace *trace = fake_add(fake, number);
    int64_t start_ns = NOON_NS + (int64_t)draw(&state, 3600) * SECOND_NS;
    for (size_t i = draw(&state, 4) + 1; i; i--) {
      fake_span *span = fake_span_add(trace, of->items[draw(&state, of->count)], start_ns);
      span->duration_ns = (int64_t)draw(&state, 3000) * 1000000;
    }
    if (number > 1 && draw(&state, 4) == 0) fake_link_add(&trace->spans[0], number - 1, 0);
  }
}

/* ---- replays ---- */

typedef struct scene {
  bt_buffer lines;
  golden_options options;
  char dsl[TOGETHER][4096]; /* of rules that were alone before */
  size_t waiting;
} scene;

typedef enum kind { AS_USUAL, AT_LEAST, EARLIEST, BY_SPANS, BY_ID_SETS, KINDS, TOGETHER_ASKED } kind;

static void record(replay_run *run, kind of_kind) {
  fake_source fake;
  words of = {.items = {strdup("other"), strdup("noise")}, .count = 2};
  fake_source_init(&fake);
  real = fake.operations;
  fake.operations.search = search;
  fake.operations.begin = begin;
  fake.operations.read = read_traces;
  fake.operations.find_spans = find_spans;
  fake.operations.find_linking = find_linking;
  for (size_t i = 0; i < run->request.rule_count; i++) add_words_of(&of, run->rules[i]);
  add_traces(&fake, &of);
  run->request.count = of_kind == AT_LEAST ? BT_COUNT_AT_LEAST : BT_COUNT_AUTO;
  run->request.wants_earliest = of_kind == EARLIEST;
  run->request.joins_searches = of_kind == TOGETHER_ASKED;
  run->request.strategy = of_kind == BY_SPANS     ? BT_STRATEGY_PROJECTION
                          : of_kind == BY_ID_SETS ? BT_STRATEGY_ID_SETS
                                                  : BT_STRATEGY_AUTO;
  bt_buffer_printf(&asked, "--- %d\n", (int)of_kind);
  replay_run_go(run, &fake);
  bt_buffer_printf(&asked, "%s\n", run->status ? run->error.message : "answered");
  fake_source_dispose(&fake);
  for (size_t i = 0; i < of.count; i++) free(of.items[i]);
}

static void keep(scene *s, const char *name) {
  golden_add(&s->lines, name, bt_buffer_str(&asked), &s->options);
  assert_false(asked.failed);
  bt_buffer_clear(&asked);
}

/* Whether one of its queries finds all that the filter finds. */
static bool implies_some(const bt_filter *filter, const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) return bt_filter_implies(filter, over->query.asked.filter);
  for (uint32_t i = 0; i < over->item_count; i++)
    if (implies_some(filter, over->items[i])) return true;
  return false;
}

/* Each alternative by itself: what is too long for one query lies in several. */
static void is_found_by(const bt_filter *filter, const bt_over *other) {
  bool is_or = filter->kind == BT_FILTER_OR;
  for (uint32_t i = 0; i < (is_or ? filter->item_count : 1); i++)
    assert_true(implies_some(is_or ? filter->items[i] : filter, other));
}

/* No query of `over` finds what `other` does not find. */
static void finds_no_more(const bt_over *over, const bt_over *other) {
  for (uint32_t i = 0; i < over->item_count; i++) finds_no_more(over->items[i], other);
  if (over->kind == BT_OVER_QUERY) is_found_by(over->query.asked.filter, other);
}

/* What stands for several formulas finds what they find together. */
static void joined_filters_mean_the_same(const scene *s) {
  bt_rule_definition *rules[TOGETHER];
  bt_plan *plans[TOGETHER];
  const bt_over *overs[TOGETHER], *items[TOGETHER];
  bt_filter_union joined;
  uint32_t taken = 0;
  bt_error error = {0};
  for (size_t i = 0; i < s->waiting; i++) {
    rules[i] = rule_of("r", s->dsl[i]);
    assert_int_equal(bt_plan_new(rules[i]->rule, bt_traceql_dialect(), &plans[i], &error), BT_OK);
    overs[i] = plans[i]->violating;
    if (bt_filter_union_takes(overs[i])) items[taken++] = overs[i];
  }
  assert_int_equal(bt_filter_union_make(bt_traceql_dialect(), overs, s->waiting, &joined, &error), BT_OK);
  const bt_over apart = {.kind = BT_OVER_OR, .items = items, .item_count = taken};
  if (joined.any) {
    finds_no_more(&apart, joined.any);
    finds_no_more(joined.any, &apart);
    joined_count++;
  }
  bt_filter_union_dispose(&joined);
  for (size_t i = 0; i < s->waiting; i++) {
    bt_plan_free(plans[i]);
    bt_rule_definition_unref(rules[i]);
  }
}

static void record_together(scene *s, const char *last) {
  char name[256];
  joined_filters_mean_the_same(s);
  replay_run run;
  replay_run_init(&run);
  for (size_t i = 0; i < s->waiting; i++) replay_run_add(&run, (char[]){(char)('a' + i), '\0'}, s->dsl[i]);
  record(&run, TOGETHER_ASKED);
  replay_run_dispose(&run);
  snprintf(name, sizeof name, "until-%s", last);
  keep(s, name);
  s->waiting = 0;
}

static void add_rule(void *context, const char *name, bt_str dsl) {
  scene *s = context;
  char *text = s->dsl[s->waiting++];
  assert_true(dsl.len < sizeof s->dsl[0]);
  memcpy(text, dsl.ptr, dsl.len);
  text[dsl.len] = '\0';
  replay_run run;
  replay_run_init(&run);
  replay_run_add(&run, "r", text);
  for (kind of_kind = 0; of_kind < KINDS; of_kind++) record(&run, of_kind);
  replay_run_dispose(&run);
  keep(s, name);
  if (s->waiting == TOGETHER) record_together(s, name);
}

static golden_options options;

static void questions_are_what_they_were(void **state) {
  (void)state;
  static scene s;
  s.options = options;
  golden_rules_each(add_rule, &s);
  assert_true(question_count >= LEAST_QUESTIONS && joined_count >= LEAST_JOINED);
  golden_check("cases/question_golden.txt", &s.lines, &options);
  bt_buffer_dispose(&s.lines);
  bt_buffer_dispose(&asked);
}

int main(int argc, char **argv) {
  options = golden_options_of(argc, argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(questions_are_what_they_were)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
