/* Violations as they are reported: derived ids, what the witnesses show, the sentence; and every allocation failing in
 * turn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/violation.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"

typedef struct judged {
  bt_rule_definition *definition;
  const bt_rule *rule;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_arena arena;
  const bt_trace *trace;
  const bt_rule_verdict *verdict;
  bt_violation *violation;
} judged;

static bt_attribute text_attribute(const char *key, const char *value) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(value)}};
}

/* checkout (web) with one slow child of db, which names no retry; an attribute of each kind, one of them not compared
 * by any rule here. */
static const bt_trace *make_trace(bt_arena *arena, const char *note) {
  static bt_attribute resource_attributes[1], span_attributes[4];
  static bt_value tags[2];
  static bt_resource web, db;
  static bt_scope scope;
  bt_trace_id id = fake_id(0x2a);
  resource_attributes[0] = text_attribute("region", "eu");
  tags[0] = (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("vip")};
  tags[1] = (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("new")};
  span_attributes[0] = (bt_attribute){BT_STR("amount"), {.type = BT_VALUE_INT, .integer = 2000}};
  span_attributes[1] = text_attribute("card.number", "4111");
  span_attributes[2] = text_attribute("note", note);
  span_attributes[3] = (bt_attribute){BT_STR("tags"), {.type = BT_VALUE_ARRAY, .array = {tags, 2}}};
  web = (bt_resource){BT_STR("web"), {.items = resource_attributes, .count = 1}};
  db = (bt_resource){.service = BT_STR("db")};
  bt_span checkout = {.id = {{1}},
                      .name = BT_STR("checkout"),
                      .start_ns = NOON_NS,
                      .end_ns = NOON_NS + SECOND_NS,
                      .resource = &web,
                      .scope = &scope,
                      .attributes = {span_attributes, 4}};
  bt_span query = {.id = {{2}},
                   .parent_id = {{1}},
                   .name = BT_STR("db.query"),
                   .start_ns = NOON_NS + 1000,
                   .end_ns = NOON_NS + 2 * SECOND_NS,
                   .resource = &db,
                   .scope = &scope};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  if (!bt_trace_builder_add(builder, &query) || !bt_trace_builder_add(builder, &checkout)) abort();
  return bt_trace_builder_finish(builder);
}

static void judge(judged *j, const char *dsl, const char *note) {
  bt_error error = {0};
  *j = (judged){.definition = rule_of("slow-db-no-retry", dsl)};
  j->rule = j->definition->rule;
  bt_arena_init(&j->arena, (size_t)1 << 20);
  j->trace = make_trace(&j->arena, note);
  assert_int_equal(bt_ruleset_new(&j->rule, 1, &j->ruleset, &error), BT_OK);
  assert_int_equal(bt_evaluator_new(j->ruleset, &j->evaluator, &error), BT_OK);
  assert_int_equal(bt_evaluator_run(j->evaluator, j->trace, NULL, &j->verdict, &error), BT_OK);
  assert_int_equal(j->verdict->verdict, BT_VIOLATED);
}

static void make(judged *j, const char *tenant) {
  bt_error error = {0};
  assert_int_equal(bt_violation_new(j->definition, tenant, j->trace, j->verdict, &j->violation, &error), BT_OK);
}

static void drop(judged *j) {
  bt_violation_free(j->violation);
  bt_evaluator_free(j->evaluator);
  bt_ruleset_free(j->ruleset);
  bt_arena_dispose(&j->arena);
  bt_rule_definition_unref(j->definition);
}

/* The expected hashes were computed by another program from the layout that violation_id.h gives. */
static void ids_never_change(void **state) {
  (void)state;
  bt_error error = {0};
  bt_own_ids ids;
  char hex[BT_TRACE_ID_HEX + 1], span[BT_SPAN_ID_HEX + 1];
  const bt_str hash = BT_STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
  const bt_trace_id about = fake_id(0x2a);
  assert_int_equal(bt_violation_ids_derive(BT_STR("acme"), BT_STR("slow-db-no-retry"), hash, &about, &ids, &error),
                   BT_OK);
  bt_trace_id_format(&ids.trace_id, hex);
  assert_string_equal(hex, "f25f5b21fd22e0efc780d457c3d3e6a2");
  bt_span_id_format(&ids.span_id, span);
  assert_string_equal(span, "4f37eabb63555631");
  bt_span_id_format(&ids.retraction_id, span);
  assert_string_equal(span, "3738192f3f4060ed");
  assert_int_equal(bt_violation_ids_derive(BT_STR(""), BT_STR("slow-db-no-retry"), hash, &about, &ids, &error), BT_OK);
  bt_trace_id_format(&ids.trace_id, hex);
  assert_string_equal(hex, "6a5394d591fdbb5a56f40f1fa7bd1a40");
}

static void a_violation_says_what_where_and_when(void **state) {
  (void)state;
  judged j;
  bt_own_ids ids;
  bt_error error = {0};
  judge(&j,
        "when { checkout.where(amount > 1000 and resource.region == \"eu\" and tags == \"vip\") as c } always { "
        "fraud-check after c }",
        "n");
  make(&j, "acme");
  const bt_violation *v = j.violation;
  assert_int_equal(bt_violation_ids_derive(BT_STR("acme"), BT_STR("slow-db-no-retry"),
                                           bt_str_from(j.definition->condition_hash), &j.trace->id, &ids, &error),
                   BT_OK);
  assert_memory_equal(v->id.bytes, ids.trace_id.bytes, 16);
  assert_memory_equal(v->emit_span_id.bytes, ids.span_id.bytes, 8);
  assert_int_equal(v->time_ns, NOON_NS);
  assert_int_equal(v->span_id.bytes[0], 1);
  assert_string_equal(v->root_name, "checkout");
  assert_string_equal(v->root_service, "web");
  assert_int_equal(v->service_count, 2);
  assert_string_equal(v->services[0], "db");
  assert_string_equal(v->services[1], "web");
  assert_int_equal(v->choice_count, 1);
  const bt_violation_witness *w = &v->choices[0].witnesses[0];
  assert_string_equal(w->binding, "c");
  assert_string_equal(w->name, "checkout");
  assert_int_equal(w->end_ns - w->start_ns, SECOND_NS);
  assert_int_equal(w->attribute_count, 3); /* not card.number, which no test compares */
  for (size_t i = 0; i < w->attribute_count; i++) {
    const char *key = w->attributes[i].key, *value = w->attributes[i].value;
    if (!strcmp(key, "amount"))
      assert_string_equal(value, "2000");
    else if (!strcmp(key, "resource.region"))
      assert_string_equal(value, "eu");
    else {
      assert_string_equal(key, "tags");
      assert_string_equal(value, "[vip, new]");
    }
  }
  assert_non_null(strstr(v->message, "checkout (web, "));
  assert_non_null(strstr(v->message, "amount = 2000"));
  assert_non_null(strstr(v->message, "): no "));
  assert_non_null(strstr(v->message, "fraud-check after c"));
  assert_null(strstr(v->message, "4111"));
  assert_true(bt_violation_bytes(v) > sizeof *v);
  drop(&j);
}

/* What batches cannot give stands before it in the rule; it is compared all the same. */
static void witnesses_show_what_is_compared_beside_events(void **state) {
  (void)state;
  judged j;
  judge(&j,
        "trace.has(span.name == \"checkout\" and not exists(event.note) and scope.version != \"x\" and amount > 1000)",
        "n");
  make(&j, "");
  const bt_violation_witness *w = &j.violation->choices[0].witnesses[0];
  assert_int_equal(w->attribute_count, 1);
  assert_string_equal(w->attributes[0].key, "amount");
  assert_non_null(strstr(j.violation->message, "amount = "));
  drop(&j);
}

static void a_violation_without_witness_is_of_the_trace(void **state) {
  (void)state;
  judged j;
  judge(&j, "not trace.has(span.name == \"retry\")", "n");
  make(&j, NULL);
  assert_int_equal(j.violation->time_ns, NOON_NS);
  assert_true(bt_span_id_is_zero(&j.violation->span_id));
  assert_non_null(strstr(j.violation->message, "this trace: no span "));
  drop(&j);
}

static void a_rule_over_several_lines_is_shown_on_one(void **state) {
  (void)state;
  judged j;
  judge(&j, "not trace.has(\n  span.name == \"retry\"\n  and (\n    k == 1\n    or k == 2\n  )\n)", "n");
  make(&j, NULL);
  assert_non_null(
      strstr(j.violation->message, "no span where span.name == \"retry\" and (k == 1 or k == 2) in this trace"));
  drop(&j);
}

static void the_sentence_is_short_clean_utf8(void **state) {
  (void)state;
  judged j;
  bt_buffer dsl = {0};
  bt_buffer_append(&dsl, BT_STR("trace.has(span.name == \"checkout\" and note != \""));
  for (int i = 0; i < 120; i++) bt_buffer_append(&dsl, BT_STR("\xC3\xA9"));
  bt_buffer_append(&dsl, BT_STR("\" and\n\n   note != \"x\")"));
  judge(&j, dsl.ptr, "line\nbreak \xFF\x01 \xC3\xA9");
  make(&j, NULL);
  bt_buffer_dispose(&dsl);
  size_t length = strlen(j.violation->message);
  assert_in_range(length, 200, 256);
  assert_true(bt_utf8_valid(bt_str_from(j.violation->message)));
  for (size_t i = 0; i < length; i++) assert_true((unsigned char)j.violation->message[i] >= ' ');
  assert_non_null(strstr(j.violation->message, "note = line break ? \xC3\xA9"));
  drop(&j);
}

static void every_allocation_fails_in_turn(void **state) {
  (void)state;
  judged j;
  judge(&j, "when { checkout.where(amount > 1000) as c } always { fraud-check after c }", "n");
  for (size_t n = 0;; n++) {
    bt_error error = {0};
    assert_true(n < 1000);
    failing_alloc_after(n);
    bt_status status = bt_violation_new(j.definition, "acme", j.trace, j.verdict, &j.violation, &error);
    bool was_refused = failing_alloc_stop();
    if (!was_refused) {
      assert_int_equal(status, BT_OK);
      assert_true(n > 8);
      break;
    }
    assert_int_equal(status, BT_NO_MEMORY);
    assert_null(j.violation);
  }
  drop(&j);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ids_never_change),
      cmocka_unit_test(a_violation_says_what_where_and_when),
      cmocka_unit_test(witnesses_show_what_is_compared_beside_events),
      cmocka_unit_test(a_violation_without_witness_is_of_the_trace),
      cmocka_unit_test(a_rule_over_several_lines_is_shown_on_one),
      cmocka_unit_test(the_sentence_is_short_clean_utf8),
      cmocka_unit_test(every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
