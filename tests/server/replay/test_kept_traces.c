/* How traces came to be kept: what spans say (th and rv of the trace state), what is declared, and what may be said of
 * those that were not kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/base/binomial.h"
#include "server/replay/kept_traces.h"

/* ---- one trace ---- */

static const bt_trace_id trace_id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0, 0, 0, 0, 0, 0}}; /* randomness: 15 of 16 */
static const bt_attribute web[] = {
    {{"service.name", sizeof "service.name" - 1}, {.type = BT_VALUE_STRING, .string = {"web", sizeof "web" - 1}}}};
static const bt_attribute policy[] = {{{"tailsampling.policy", sizeof "tailsampling.policy" - 1},
                                       {.type = BT_VALUE_STRING, .string = {"slow", sizeof "slow" - 1}}}};
static const bt_resource resource = {.attributes = {web, 1}};
static const bt_scope plain_scope = {0}, policy_scope = {.attributes = {policy, 1}};

typedef struct told {
  const char *states[3]; /* of each span; NULL: there is no such span */
  unsigned flags;
  bt_keeping kind;
  uint64_t threshold; /* of ONE and APART */
  int has_randomness;
} told;

static bt_trace_keeping keeping_of(const told *t, bt_span spans[3]) {
  bt_trace trace = {.id = trace_id, .spans = spans};
  for (uint32_t i = 0; i < 3 && t->states[i]; i++, trace.span_count++)
    spans[i] = (bt_span){
        .resource = &resource, .scope = &plain_scope, .trace_state = bt_str_from(t->states[i]), .flags = t->flags};
  return bt_keeping_of(&trace);
}

#define HALF (BT_THRESHOLD_END / 2)

static void spans_say_how_they_were_kept(void **state) {
  (void)state;
  static const told cases[] = {
      {{"", "", ""}, 0, BT_KEEPING_UNSAID, 0, 0},
      {{"ot=th:8", "ot=th:8"}, 0, BT_KEEPING_ONE, HALF, 0},
      {{"ot=th:8"}, 2, BT_KEEPING_ONE, HALF, 1},
      {{"ot=th:80000000000000"}, 2, BT_KEEPING_ONE, HALF, 1},
      {{"congo=t61, ot=p:8;th:8;r:62 ,rojo=1"}, 2, BT_KEEPING_ONE, HALF, 1},
      {{"ot=th:0"}, 0, BT_KEEPING_ONE, 0, 0},
      {{"ot=th:0;rv:00000000000001"}, 0, BT_KEEPING_ONE, 0, 1},
      {{"ot=th:8;rv:90000000000000", "ot=rv:90000000000000;th:8"}, 0, BT_KEEPING_ONE, HALF, 1},
      {{"ot=th:8;rv:90000000000000", "ot=th:4;rv:90000000000000"}, 0, BT_KEEPING_APART, HALF, 1},
      {{"ot=th:8", "ot=th:4"}, 0, BT_KEEPING_APART, HALF, 0},
      /* what contradicts itself, or is no threshold */
      {{"ot=th:8;rv:10000000000000"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:f1"}, 2, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:f1"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:8", ""}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:8g"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:A"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:800000000000000"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:8;th:8"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:8;rv:9"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:8,ot=th:4"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      {{"ot=th:8;rv:90000000000000", "ot=th:8;rv:a0000000000000"}, 0, BT_KEEPING_UNCLEAR, 0, 0},
      /* what only looks like one */
      {{"ot=p:8", "other=th:8", "ot=xth:8"}, 0, BT_KEEPING_UNSAID, 0, 0},
      {{"ot=rv:90000000000000"}, 0, BT_KEEPING_UNSAID, 0, 1},
      {{"ot=t", "ot=", "ot"}, 0, BT_KEEPING_UNSAID, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bt_span spans[3];
    bt_trace_keeping keeping = keeping_of(&cases[i], spans);
    if (keeping.kind != cases[i].kind) fail_msg("%s: kind %d", cases[i].states[0], keeping.kind);
    bool has_threshold = keeping.kind == BT_KEEPING_ONE || keeping.kind == BT_KEEPING_APART;
    assert_true(!has_threshold || keeping.threshold == cases[i].threshold);
    if (keeping.kind != BT_KEEPING_UNCLEAR) assert_int_equal(keeping.has_randomness, cases[i].has_randomness);
  }
}

static void what_may_be_missing_follows_from_the_randomness(void **state) {
  (void)state;
  bt_span span = {.resource = &resource, .scope = &plain_scope, .trace_state = BT_STR("ot=th:4"), .flags = 2};
  bt_trace trace = {.id = trace_id, .spans = &span, .span_count = 1}; /* its randomness is 15 of 16 */
  assert_false(bt_keeping_may_lack(&trace, 0));
  assert_false(bt_keeping_may_lack(&trace, HALF / 2));
  assert_false(bt_keeping_may_lack(&trace, BT_THRESHOLD_END / 16 * 15));
  assert_true(bt_keeping_may_lack(&trace, BT_THRESHOLD_END / 16 * 15 + 1));
  span.flags = 0; /* nobody knows it */
  assert_true(bt_keeping_may_lack(&trace, HALF / 2));
  bt_span two[2] = {span, span}; /* without a largest one: where it shows two itself */
  trace.spans = two;
  trace.span_count = 2;
  assert_false(bt_keeping_may_lack(&trace, 0));
  two[1].trace_state = BT_STR("ot=th:2");
  assert_true(bt_keeping_may_lack(&trace, 0));
}

static bt_kept_trace kept(const char *trace_state, const bt_scope *scope, const bt_sampling_setting *setting) {
  bt_span span = {.resource = &resource, .scope = scope, .trace_state = bt_str_from(trace_state)};
  bt_trace trace = {.id = trace_id, .spans = &span, .span_count = 1};
  return bt_kept_trace_of(&trace, setting);
}

/* ---- the setting ---- */

static void settings_are_read(void **state) {
  (void)state;
  bt_sampling_setting s;
  assert_true(bt_sampling_setting_parse(NULL, &s) && s.declared.kind == BT_SAMPLING_AUTO);
  assert_true(bt_sampling_setting_parse("auto", &s) && s.declared.kind == BT_SAMPLING_AUTO);
  assert_true(bt_sampling_setting_parse("none", &s) && s.declared.kind == BT_SAMPLING_NONE);
  assert_true(bt_sampling_setting_parse("declared=10%,web=5%,a=b=0.2", &s));
  assert_true(bt_sampling_setting_of(&s, BT_STR("web")) == 0.05 && bt_sampling_setting_of(&s, BT_STR("a=b")) == 0.2);
  assert_true(bt_sampling_setting_of(&s, BT_STR("other")) == 0.1 && bt_sampling_setting_of(&s, BT_STR("")) == 0.1);
  assert_string_equal(s.declared.text, "declared=10%,web=5%,a=b=0.2");
  static const char *const wrong[] = {"",
                                      "all",
                                      "declared",
                                      "declared=",
                                      "declared=0",
                                      "declared=0%",
                                      "declared=101%",
                                      "declared=1.5",
                                      "declared=-1%",
                                      "declared=x%",
                                      "declared=nan",
                                      "declared=0x1",
                                      "declared=10%,",
                                      "declared=10%,web",
                                      "declared=10%,=5%",
                                      "declared=10%,web=5%,web=6%",
                                      "web=5%",
                                      "declared=1e-1",
                                      " none"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (bt_sampling_setting_parse(wrong[i], &s)) fail_msg("%s was taken", wrong[i]);
}

/* ---- many ---- */

typedef struct world {
  bt_sampled_traces range;
  bt_sampling_setting setting;
} world;

static void see(world *w, const char *trace_state, const bt_scope *scope, uint64_t count) {
  bt_kept_trace trace = kept(trace_state, scope, &w->setting);
  bt_kept_traces_add(&w->range.kept, &trace, count);
}

static world with(const char *setting) {
  world w = {0};
  assert_true(bt_sampling_setting_parse(setting, &w.setting));
  w.range.declared = w.setting.declared;
  return w;
}

static void check(const world *w, bt_kept_known known, uint64_t seen, int says, uint64_t low, uint64_t high) {
  bt_estimate estimate = {0, 0};
  bt_kept_traces none = {0};
  assert_int_equal(bt_sampled_traces_known(&w->range), known);
  assert_int_equal(bt_sampled_traces_estimate(&w->range, &none, seen, &estimate), says);
  if (!says) return;
  assert_int_equal(estimate.low, low);
  assert_true(estimate.high == high);
}

static const char tenth[] = "ot=th:e6666666666666", half[] = "ot=th:8";

static void one_probability_bounds_both_sides(void **state) {
  (void)state;
  world w = with("auto");
  see(&w, tenth, &plain_scope, 40);
  check(&w, BT_KEPT_BY_CHANCE, 12, 1, 65, 205);
  check(&w, BT_KEPT_BY_CHANCE, 0, 1, 0, 35);
  w = with("declared=10%");
  check(&w, BT_KEPT_BY_CHANCE, 0, 1, 0, 35);
  see(&w, "", &plain_scope, 3);
  check(&w, BT_KEPT_BY_CHANCE, 12, 1, 65, 205);
}

/* Of those that nobody looked at, each may be of either. */
static void several_probabilities_are_bounded_by_both(void **state) {
  (void)state;
  world w = with("auto");
  see(&w, tenth, &plain_scope, 40);
  see(&w, half, &plain_scope, 40);
  bt_estimate estimate;
  bt_kept_traces none = {0}, of = {0};
  assert_true(bt_sampled_traces_estimate(&w.range, &none, 12, &estimate));
  assert_true(estimate.low == 16 && estimate.high >= 205);
  bt_kept_trace trace = kept(half, &plain_scope, &w.setting);
  bt_kept_traces_add(&of, &trace, 12);
  assert_true(bt_sampled_traces_estimate(&w.range, &of, 12, &estimate));
  assert_true(estimate.low == 16 && estimate.high < 80); /* and up to 35 of the others, of which none was seen */
}

static void nothing_is_claimed_where_others_may_never_be_kept(void **state) {
  (void)state;
  world w = with("auto");
  see(&w, "", &plain_scope, 40); /* no span says anything */
  check(&w, BT_KEPT_NOT_SAID, 12, 0, 0, 0);
  check(&w, BT_KEPT_NOT_SAID, 0, 0, 0, 0);
  w = with("auto");
  see(&w, "ot=th:0", &plain_scope, 40); /* an errors-only sampler: these were sure to be kept, and others dropped */
  check(&w, BT_KEPT_NOT_SAID, 12, 0, 0, 0);
  check(&w, BT_KEPT_NOT_SAID, 0, 0, 0, 0);
  w = with("auto");
  see(&w, tenth, &policy_scope, 40); /* a policy kept them */
  check(&w, BT_KEPT_IN_PART, 0, 0, 0, 0);
  w = with("auto");
  see(&w, tenth, &plain_scope, 39);
  see(&w, "ot=th:zz", &plain_scope, 1);
  check(&w, BT_KEPT_IN_PART, 0, 0, 0, 0);
  w = with("auto");
  see(&w, tenth, &plain_scope, 39);
  see(&w, "", &plain_scope, 1); /* some service says nothing */
  check(&w, BT_KEPT_IN_PART, 0, 0, 0, 0);
  w = with("none");
  see(&w, "", &plain_scope, 40);
  check(&w, BT_KEPT_ALL, 0, 0, 0, 0);
}

static void seen_ones_have_a_lower_bound_all_the_same(void **state) {
  (void)state;
  world w = with("auto");
  see(&w, tenth, &plain_scope, 30);
  see(&w, "", &plain_scope, 1);
  bt_kept_traces of = {0};
  bt_kept_trace trace = kept(tenth, &plain_scope, &w.setting);
  bt_kept_traces_add(&of, &trace, 12);
  bt_estimate estimate;
  assert_true(bt_sampled_traces_estimate(&w.range, &of, 12, &estimate));
  assert_true(estimate.low == 65 && estimate.high == UINT64_MAX);
}

static void a_setting_that_spans_contradict_is_named(void **state) {
  (void)state;
  world w = with("none");
  see(&w, "", &plain_scope, 40);
  see(&w, tenth, &plain_scope, 1);
  check(&w, BT_KEPT_CONTRADICTS, 0, 0, 0, 0);
  w = with("none");
  see(&w, "ot=th:0", &plain_scope, 1); /* that does not contradict it */
  check(&w, BT_KEPT_ALL, 3, 0, 0, 0);
}

/* More probabilities than there is room for: the rest lies between them. */
static void many_probabilities_are_joined_in_any_order(void **state) {
  (void)state;
  bt_kept_traces all = {0}, first = {0}, second = {0};
  for (unsigned i = 0; i < 40; i++) {
    bt_kept_trace trace = {BT_KEEPING_ONE, 1.0 / (1 + (i * 7) % 40), false, false, false, false};
    bt_kept_traces_add(&all, &trace, i + 1);
    bt_kept_traces_add(i % 2 ? &first : &second, &trace, i + 1);
  }
  bt_kept_traces_join(&first, &second);
  assert_true(all.least == 1.0 / 40 && all.most == 1 && first.least == all.least && first.most == all.most);
  assert_int_equal(bt_kept_traces_count(&all), 820);
  assert_int_equal(bt_kept_traces_count(&first), 820);
  for (size_t i = 1; i < all.by_count; i++) assert_true(all.by[i - 1].probability < all.by[i].probability);
}

/* Of traces that nobody looked at, any may be of the service that keeps least, or most. */
static void a_service_of_its_own_bounds_what_nobody_looked_at(void **state) {
  (void)state;
  static const bt_kept_traces none = {0};
  bt_sampling_setting all, own;
  bt_estimate of_all, of_own;
  assert_true(bt_sampling_setting_parse("declared=10%", &all) &&
              bt_sampling_setting_parse("declared=10%,web=1%,mail=50%", &own));
  assert_true(own.declared.least == 0.01 && own.declared.most == 0.5 && all.declared.least == all.declared.most);
  bt_sampled_traces one = {.declared = all.declared}, two = {.declared = own.declared};
  for (uint64_t seen = 0; seen < 30; seen += 12) {
    assert_true(bt_sampled_traces_estimate(&one, &none, seen, &of_all) &&
                bt_sampled_traces_estimate(&two, &none, seen, &of_own));
    assert_true(of_all.low == bt_binomial_least(seen, 0.1, 0.025) && of_all.high == bt_binomial_most(seen, 0.1, 0.025));
    assert_true(of_own.low == bt_binomial_least(seen, 0.5, 0.025) &&
                of_own.high >= bt_binomial_most(seen, 0.01, 0.025));
  }
}

/* ---- several ---- */

/* Ten services by turns from each end: the same eight whatever came first. */
static void services_are_the_first_by_name(void **state) {
  (void)state;
  for (int turn = 0; turn < 2; turn++) {
    bt_sampled_traces all = {0};
    for (int i = 0; i < 20; i++) {
      bt_sampled_traces one = {.entry_count = 1};
      one.entry_services[0][0] = (char)(turn ? 'j' - i % 10 : 'a' + i % 10);
      bt_sampled_traces_join(&all, &one);
    }
    assert_int_equal(all.entry_count, BT_ENTRY_SERVICES);
    assert_true(all.has_more_entries);
    for (size_t i = 0; i < all.entry_count; i++) assert_int_equal(all.entry_services[i][0], 'a' + (int)i);
  }
}

/* An errors-only sampler of one service, beside one of chance of another: of its other traces nothing is known. */
static void a_service_that_shows_sure_ones_alone_has_no_bound(void **state) {
  (void)state;
  static const bt_attribute mail[] = {
      {{"service.name", sizeof "service.name" - 1}, {.type = BT_VALUE_STRING, .string = {"mail", sizeof "mail" - 1}}}};
  bt_resource of_mail = {.attributes = {mail, 1}, .service = BT_STR("mail")}, of_web = resource;
  of_web.service = BT_STR("web");
  bt_sampling_setting declared;
  assert_true(bt_sampling_setting_parse("declared=10%,mail=100%", &declared));
  bt_span span = {.resource = &of_web, .scope = &plain_scope, .trace_state = bt_str_from(tenth)};
  bt_trace trace = {.id = trace_id, .spans = &span, .span_count = 1};
  bt_sampled_traces range = {.entry_count = 0};
  bt_kept_trace by_chance = {.kind = BT_KEEPING_ONE, .probability = 0.1},
                sure = {.kind = BT_KEEPING_ONE, .probability = 1};
  for (int i = 0; i < 40; i++) bt_sampled_traces_add(&range, &trace, &by_chance);
  bt_sampled_traces_add(&range, &trace, &sure);
  assert_int_equal(bt_sampled_traces_known(&range), BT_KEPT_BY_CHANCE); /* errors of web are always kept */
  span.resource = &of_mail;
  bt_sampled_traces_add(&range, &trace, &sure);
  assert_int_equal(bt_sampled_traces_known(&range), BT_KEPT_IN_PART);
  assert_string_equal(bt_sampled_traces_sure_alone(&range), "mail");
  bt_sampled_traces joined = {.entry_count = 0};
  bt_sampled_traces_join(&joined, &range);
  assert_int_equal(bt_sampled_traces_known(&joined), BT_KEPT_IN_PART);
  joined.declared = declared.declared;
  assert_int_equal(bt_sampled_traces_known(&joined), BT_KEPT_BY_CHANCE);
  bt_sampled_traces_add(&range, &trace, &by_chance); /* others of mail are kept by chance */
  assert_int_equal(bt_sampled_traces_known(&range), BT_KEPT_BY_CHANCE);
}

/* Two looks at the same traces are one; what only one saw is added. */
static void overlapping_looks_count_once(void **state) {
  (void)state;
  bt_sampled_traces one = {0}, two = {0}, all = {0};
  bt_kept_traces_add(&one.kept, &(bt_kept_trace){.kind = BT_KEEPING_ONE, .probability = 0.1}, 240);
  bt_kept_traces_add(&two.kept, &(bt_kept_trace){.kind = BT_KEEPING_ONE, .probability = 0.1}, 100);
  bt_kept_traces_add(&two.kept, &(bt_kept_trace){.kind = BT_KEEPING_ONE, .probability = 0.5}, 7);
  bt_kept_traces_add(&two.kept, &(bt_kept_trace){.kind = BT_KEEPING_UNSAID}, 3);
  bt_sampled_traces_overlap(&all, &one);
  bt_sampled_traces_overlap(&all, &one);
  bt_sampled_traces_overlap(&all, &two);
  assert_int_equal(all.kept.by_count, 2);
  assert_int_equal(all.kept.by[0].traces, 240);
  assert_int_equal(all.kept.by[1].traces, 7);
  assert_int_equal(all.kept.unsaid, 3);
  assert_int_equal(bt_kept_traces_count(&all.kept), 250);
  assert_true(all.kept.least == 0.1 && all.kept.most == 0.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_service_of_its_own_bounds_what_nobody_looked_at),
      cmocka_unit_test(services_are_the_first_by_name),
      cmocka_unit_test(a_service_that_shows_sure_ones_alone_has_no_bound),
      cmocka_unit_test(overlapping_looks_count_once),
      cmocka_unit_test(spans_say_how_they_were_kept),
      cmocka_unit_test(what_may_be_missing_follows_from_the_randomness),
      cmocka_unit_test(settings_are_read),
      cmocka_unit_test(one_probability_bounds_both_sides),
      cmocka_unit_test(several_probabilities_are_bounded_by_both),
      cmocka_unit_test(nothing_is_claimed_where_others_may_never_be_kept),
      cmocka_unit_test(seen_ones_have_a_lower_bound_all_the_same),
      cmocka_unit_test(a_setting_that_spans_contradict_is_named),
      cmocka_unit_test(many_probabilities_are_joined_in_any_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
