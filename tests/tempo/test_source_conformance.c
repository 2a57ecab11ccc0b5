/* What every store has to do, whatever it is made of: test_source_conformance STORE, a name of a row
 * (conformance_store.c). The same spans are given to each in the way that it takes them; tempo reads TEMPO_URL and
 * OTLP_URL (with_tempo.py --multitenant), those of ClickHouse what tests/e2e/test_conformance_clickhouse.py says. A
 * store that keeps tenants apart says so in its row, as one does whose search counts in seconds or that never shows
 * BeTrace's own traces; what it promises it is asked itself. A case that does not apply to a store says why. The cases
 * here are of the scene's forty traces; conformance_cases.h has those that bring their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tempo/wire/own_trace.h"
#include "tempo/wire/tags.h"
#include "tests/support/asked.h"
#include "tests/tempo/conformance_cases.h"
#include "tests/tempo/conformance_scene.h"

enum { POLLS = 600 };

/* ---- searching ---- */

static bt_time_range whole(void) {
  return (bt_time_range){start_of(0) - ROUND_S * second_ns, start_of(TRACES) + ROUND_S * second_ns};
}

static bt_search_request search_of(bt_time_range range) {
  return (bt_search_request){.query = asked_rule("trace.has(span.name == \"charge\" or span.name == \"checkout\")"),
                             .range = range,
                             .tenant = tenant_a,
                             .rule_id = "a rule"};
}

static void search(const bt_search_request *request, bt_found_list *found) {
  bt_source_account account = {0};
  bt_error error = {0};
  if (bt_source_search(scene.source, request, found, &account, &error) != BT_OK) fail_msg("search: %s", error.message);
  if (account.failed_count) fail_msg("search: a window failed: %s", account.failed[0].reason);
  bt_source_account_dispose(&account);
}

static bt_status search_status(const bt_search_request *request) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_search(scene.source, request, &found, &account, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return status;
}

/* Of search_of(): every trace of the scene, whatever the store filters. */
static size_t charges_found(void) {
  return bt_source_known(scene.source).filters ? TRACES : all_of_scene();
}

static size_t count_found(bt_query query, const char *tenant) {
  bt_search_request request = search_of(whole());
  bt_found_list found = {0};
  request.query = query;
  request.tenant = tenant;
  search(&request, &found);
  size_t count = found.count;
  bt_found_list_dispose(&found);
  return count;
}

static void wait_for(const char *name, const char *tenant, size_t wanted) {
  size_t count = 0;
  for (int poll = 0; poll < POLLS; poll++) {
    count = count_found(asked_name(name), tenant);
    if (count == wanted) return;
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  }
  fail_msg("%s of %s finds %zu of %zu", name, tenant ? tenant : "all", count, wanted);
}

static void test_finds_every_trace_once(void **state) {
  (void)state;
  bt_search_request request = search_of(whole());
  bt_found_list found = {0};
  search(&request, &found);
  assert_int_equal(found.count, charges_found());
  for (size_t i = 1; i < found.count; i++)
    assert_true(bt_trace_id_compare(&found.items[i - 1].id, &found.items[i].id) < 0);
  for (size_t i = 0; i < TRACES; i++) {
    const bt_found *one = bt_found_list_get(&found, &scene.ids[i]);
    assert_non_null(one);
    assert_true(one->start_ns == start_of(i));
    assert_true(one->end_ns >= end_of(i) && one->end_ns <= end_of(i) + 2000000);
  }
  bt_found_list_dispose(&found);
}

/* Has to be found: what overlaps. Must not be found: what lies further off than the grain. */
static void check_range(int64_t start_ns, int64_t end_ns) {
  bt_search_request request = search_of((bt_time_range){start_ns, end_ns});
  bt_found_list found = {0};
  int64_t grain_ns = scene.kind->grain_ns;
  search(&request, &found);
  for (size_t i = 0; i < TRACES; i++) {
    bool is_found = bt_found_list_get(&found, &scene.ids[i]) != NULL;
    bool overlaps = start_ns < end_ns && start_of(i) < end_ns && end_of(i) >= start_ns;
    bool is_near = start_ns < end_ns && start_of(i) < end_ns + grain_ns && end_of(i) >= start_ns - grain_ns;
    if (overlaps && !is_found) fail_msg("trace %zu is not found", i);
    if (is_found && !is_near) fail_msg("trace %zu is found, but lies outside", i);
  }
  bt_found_list_dispose(&found);
}

static void test_ranges(void **state) {
  (void)state;
  int64_t start = start_of(7), end = end_of(7);
  check_range(start, end);
  check_range(end, end + 1); /* ends where the range starts: found */
  check_range(end + 1, end + 2);
  check_range(start - second_ns, start); /* starts where the range ends: not found */
  check_range(start - second_ns, start + 1);
  check_range(start + 1, start + 2); /* within one trace */
  check_range(start_of(3), start_of(9));
  check_range(end + 2 * second_ns, start_of(8) - 2 * second_ns); /* between two traces */
  check_range(start, start);
  check_range(end, start);
  check_range(scene.base_ns - 1000 * second_ns, scene.base_ns - 900 * second_ns);
}

static void test_limit(void **state) {
  (void)state;
  bt_search_request request = search_of(whole());
  request.max_found = charges_found();
  assert_int_equal(search_status(&request), BT_OK);
  request.max_found = charges_found() - 1;
  assert_int_equal(search_status(&request), BT_LIMIT);
  request.max_found = 1;
  assert_int_equal(search_status(&request), BT_LIMIT);
}

static void find_linking(const bt_trace_id *ids, size_t count, bt_time_range range, bt_found_list *found) {
  bt_links_request request = {.ids = ids, .count = count, .range = range, .tenant = tenant_a, .rule_id = "a rule"};
  bt_source_account account = {0};
  bt_error error = {0};
  if (bt_source_find_linking(scene.source, &request, found, &account, &error) != BT_OK)
    fail_msg("links: %s", error.message);
  if (account.failed_count) fail_msg("links: a window failed: %s", account.failed[0].reason);
  bt_source_account_dispose(&account);
}

/* Exactly those, unless one of the ids makes a source say more. */
static void check_linking(size_t first, size_t count, bool is_exact) {
  bt_found_list found = {0};
  find_linking(scene.ids + first, count, whole(), &found);
  for (size_t i = 0; i < TRACES; i++) {
    bool links = linked_from(i) >= first && linked_from(i) < first + count;
    bool is_found = bt_found_list_get(&found, &scene.ids[i]) != NULL;
    if (links && !is_found) fail_msg("trace %zu links and is not found", i);
    if (is_exact && !links && is_found) fail_msg("trace %zu does not link and is found", i);
  }
  bt_found_list_dispose(&found);
}

static void test_linking(void **state) {
  (void)state;
  bt_trace_id nobody[2] = {{{0}}, {{0xC1, 1}}};
  bt_found_list found = {0};
  find_linking(nobody, 2, whole(), &found);
  find_linking(nobody, 1, whole(), &found);
  find_linking(scene.ids, 0, whole(), &found);
  find_linking(scene.ids, TRACES, (bt_time_range){start_of(5), start_of(5)}, &found);
  find_linking(scene.ids, TRACES, (bt_time_range){scene.base_ns - 1000 * second_ns, scene.base_ns - 900 * second_ns},
               &found);
  assert_int_equal(found.count, 0);
  bt_found_list_dispose(&found);
  check_linking(0, TRACES, false);
  check_linking(0, 1, false);
  for (size_t first = 1; first + 1 < TRACES / 2; first += 5) {
    bool is_exact = scene.ids[first].bytes[0] && scene.ids[first + 1].bytes[0];
    check_linking(first, 2, is_exact);
    check_linking(first, 1, scene.ids[first].bytes[0] != 0);
  }
}

/* ---- reading ---- */

typedef struct seen {
  size_t calls[TRACES + 2], found, missing, doubtful;
  void (*look)(const bt_read_trace *read);
  size_t stop_after; /* 0: never */
} seen;

static bt_status see(void *context, const bt_read_trace *read, bt_error *error) {
  seen *s = context;
  assert_true(read->index < TRACES + 2);
  s->calls[read->index]++;
  if (read->needs_by_id)
    s->doubtful++;
  else if (!read->trace)
    s->missing++;
  else if (s->found++, s->look)
    s->look(read);
  return s->stop_after && s->found + s->missing == s->stop_after ? bt_error_set(error, BT_IO, "enough") : BT_OK;
}

static bt_projected amount_field[] = {{BT_PROJECTED_SPAN, {"amount", 6}}};
static const bt_projection projection = {.attributes = amount_field, .attribute_count = 1};

static bt_read_request read_of(const bt_trace_id *ids, size_t count, bool by_id) {
  return (bt_read_request){.ids = ids,
                           .count = count,
                           .range = whole(),
                           .projection = by_id ? NULL : &projection,
                           .by_id = by_id,
                           .tenant = tenant_a,
                           .rule_id = "a rule"};
}

static bt_status read_status(const bt_read_request *request, seen *s) {
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_read(scene.source, request, see, s, &account, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  bt_source_account_dispose(&account);
  return status;
}

static void look_at_checkout(const bt_read_trace *read) {
  const bt_trace *trace = read->trace;
  assert_memory_equal(trace->id.bytes, scene.ids[read->index].bytes, sizeof trace->id.bytes);
  assert_int_equal(trace->span_count, 2);
  assert_false(trace->partial || trace->missing_parents || trace->differing_copies);
  const bt_span *root = &trace->spans[0], *child = &trace->spans[1];
  if (child->kind == BT_KIND_SERVER) child = root, root = &trace->spans[1];
  assert_true(bt_str_equal(root->name, BT_STR("checkout")) && bt_str_equal(child->name, BT_STR("charge")));
  assert_true(bt_span_id_is_zero(&root->parent_id));
  assert_memory_equal(child->parent_id.bytes, root->id.bytes, sizeof root->id.bytes);
  assert_int_equal(root->status, BT_SPAN_STATUS_UNSET);
  assert_int_equal(child->status, BT_SPAN_STATUS_ERROR);
  assert_true(root->start_ns == start_of(read->index) && bt_span_duration_ns(root) == root_ns);
  assert_true(child->start_ns == root->start_ns + child_at_ns && bt_span_duration_ns(child) == child_ns);
  assert_true(bt_str_equal(root->resource->service, BT_STR("shop")));
  assert_true(bt_str_equal(child->resource->service, BT_STR("pay")));
  assert_int_equal(child->attributes.count, 1);
  assert_true(bt_str_equal(child->attributes.items[0].key, BT_STR("amount")));
  assert_int_equal(store_integer(scene.kind, &child->attributes.items[0].value), read->index);
}

static void check_reads(bool by_id) {
  bt_trace_id ids[TRACES + 1];
  memcpy(ids, scene.ids, sizeof scene.ids);
  memset(ids[TRACES].bytes, 0x5A, sizeof ids[TRACES].bytes); /* nobody has it */
  seen s = {.look = look_at_checkout};
  bt_read_request request = read_of(ids, TRACES + 1, by_id);
  assert_int_equal(read_status(&request, &s), BT_OK);
  for (size_t i = 0; i <= TRACES; i++) assert_int_equal(s.calls[i], 1);
  assert_int_equal(s.found, TRACES);
  assert_int_equal(s.missing, 1);
}

static void test_reads_whole_traces(void **state) {
  (void)state;
  check_reads(false);
  check_reads(true);
}

static void test_reads_nothing(void **state) {
  (void)state;
  seen s = {0};
  bt_read_request request = read_of(scene.ids, 0, true);
  assert_int_equal(read_status(&request, &s), BT_OK);
  assert_int_equal(s.found + s.missing, 0);
}

static void test_the_sink_stops_a_read(void **state) {
  (void)state;
  for (int by_id = 0; by_id < 2; by_id++) {
    seen s = {.stop_after = 3};
    bt_read_request request = read_of(scene.ids, TRACES, by_id);
    assert_int_equal(read_status(&request, &s), BT_IO);
    assert_int_equal(s.found, 3);
  }
}

static void test_cancel(void **state) {
  (void)state;
  bt_cancel cancel;
  atomic_init(&cancel.requested, true);
  bt_search_request request = search_of(whole());
  request.cancel = &cancel;
  assert_int_equal(search_status(&request), BT_CANCELLED);
  for (int by_id = 0; by_id < 2; by_id++) {
    seen s = {0};
    bt_read_request read = read_of(scene.ids, TRACES, by_id);
    read.cancel = &cancel;
    assert_int_equal(read_status(&read, &s), BT_CANCELLED);
    assert_int_equal(s.found + s.missing, 0);
  }
}

/* ---- own traces and tenants ---- */

/* Own traces are known by what their ids are made of: a read without it cannot tell. */
static bt_projected own_fields[] = {{BT_PROJECTED_SPAN, {BT_OWN_RULE_ID, sizeof BT_OWN_RULE_ID - 1}},
                                    {BT_PROJECTED_SPAN, {BT_OWN_CONDITION_HASH, sizeof BT_OWN_CONDITION_HASH - 1}},
                                    {BT_PROJECTED_SPAN, {BT_OWN_TRACE_ID, sizeof BT_OWN_TRACE_ID - 1}}};
static const bt_projection own_projection = {.attributes = own_fields, .attribute_count = 3};

static void test_own_traces_are_hidden(void **state) {
  (void)state;
  for (int by_id = 0; by_id < 2; by_id++) {
    seen hidden = {0}, shown = {0};
    bt_read_request request = read_of(&scene.own_id, 1, by_id);
    request.projection = &own_projection;
    assert_int_equal(read_status(&request, &hidden), BT_OK);
    assert_int_equal(hidden.missing + hidden.doubtful, 1);
    request.with_own = true;
    assert_int_equal(read_status(&request, &shown), BT_OK);
    assert_int_equal(shown.found + shown.doubtful, scene.kind->keeps_own ? 1 : 0);
    if (by_id) assert_int_equal(hidden.doubtful + shown.doubtful, 0);
  }
}

static size_t read_foreign(const char *tenant, bool by_id) {
  seen s = {0};
  bt_read_request request = read_of(&scene.foreign_id, 1, by_id);
  request.tenant = tenant;
  assert_int_equal(read_status(&request, &s), BT_OK);
  assert_int_equal(s.found + s.missing, 1);
  return s.found;
}

/* Who asks for a tenant is not given the traces of all. */
static void check_refused(const char *tenant) {
  bt_search_request searched = search_of(whole());
  bt_read_request read = read_of(scene.ids, TRACES, true);
  bt_links_request links = {.ids = scene.ids, .count = TRACES, .range = whole(), .tenant = tenant};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  seen s = {0};
  searched.tenant = read.tenant = tenant;
  assert_int_equal(search_status(&searched), BT_INVALID);
  assert_int_equal(read_status(&read, &s), BT_INVALID);
  read.by_id = false, read.projection = &projection;
  assert_int_equal(read_status(&read, &s), BT_INVALID);
  assert_int_equal(s.found + s.missing, 0);
  assert_int_equal(bt_source_find_linking(scene.source, &links, &found, &account, &error), BT_INVALID);
  assert_int_equal(found.count, 0);
  bt_source_account_dispose(&account);
}

static void test_tenants(void **state) {
  (void)state;
  if (scene.kind->refuses_tenants) {
    check_refused("conformance-a");
    store_does_not_apply(scene.kind, "tenants kept apart; it refuses a question for one, which was seen");
  }
  if (!scene.kind->has_tenants) { /* whose traces they are is not in a file */
    assert_int_equal(count_found(bt_query_all(), tenant_b), TRACES);
    return;
  }
  assert_int_equal(count_found(asked_name("checkout"), tenant_b), 1);
  assert_int_equal(count_found(asked_name("checkout"), "conformance-a|conformance-b"), TRACES + 1);
  assert_int_equal(count_found(asked_name("checkout"), "conformance-c"), 0);
  for (int by_id = 0; by_id < 2; by_id++) {
    assert_int_equal(read_foreign(tenant_a, by_id), 0);
    assert_int_equal(read_foreign(tenant_b, by_id), 1);
    assert_int_equal(read_foreign("conformance-a|conformance-b", by_id), 1);
  }
}

/* ---- names and values for completion ---- */

/* What a list holds, "text:type" each; types as numbers, 0 for a name. */
static void check_tags(bt_tag_scope scope, const char *key, const char *prefix, size_t limit, const char *expected,
                       bool is_cut) {
  char got[2000] = "";
  bt_tag_request request = {.scope = scope,
                            .key = bt_str_from(key),
                            .prefix = bt_str_from(prefix),
                            .range = whole(),
                            .limit = limit,
                            .timeout_ms = 20000,
                            .tenant = tenant_a};
  bt_tag_list list = {0};
  bt_error error = {0};
  bool is_names = !key && scope <= BT_TAG_ANY;
  bt_status status = is_names ? bt_source_tag_names(scene.source, &request, &list, &error)
                              : bt_source_tag_values(scene.source, &request, &list, &error);
  if (status != BT_OK) fail_msg("tags: %s", error.message);
  for (size_t i = 0; i < list.count; i++) {
    size_t length = strlen(got);
    snprintf(got + length, sizeof got - length, "%.*s:%d ", BT_FMT(list.items[i].text), (int)list.items[i].type);
  }
  assert_string_equal(got, expected);
  assert_int_equal(list.is_cut, is_cut);
  bt_tag_list_dispose(&list);
}

/* Own traces are told apart from the others by reads only: what asks for all names of a Tempo also gets theirs. */
static void test_tags(void **state) {
  (void)state;
  bt_error error = {0};
  if (!scene.source->operations->tags) store_does_not_apply(scene.kind, "it knows no names and values for completion");
  check_tags(BT_TAG_SPAN, NULL, "am", 0, "amount:0 ", false);
  check_tags(BT_TAG_RESOURCE, NULL, "", 0, "service.name:0 ", false);
  check_tags(BT_TAG_ANY, NULL, "s", 0, "service.name:0 ", false);
  check_tags(BT_TAG_EVENT, NULL, "", 0, "", false);
  check_tags(BT_TAG_LINK, NULL, "", 0, "", false);
  check_tags(BT_TAG_SPAN, "nosuch", "", 0, "", false);
  check_tags(BT_TAG_SPAN, "amount", "3", 0, "3:4 30:4 31:4 32:4 33:4 34:4 35:4 36:4 37:4 38:4 39:4 ", false);
  check_tags(BT_TAG_SPAN, "amount", "3", 3, "3:4 30:4 31:4 ", true);
  check_tags(BT_TAG_ANY, "amount", "39", 0, "39:4 ", false);
  check_tags(BT_TAG_RESOURCE, "amount", "", 0, "", false);
  check_tags(BT_TAG_SPAN_NAME, NULL, "ch", 0, "charge:2 checkout:2 ", false);
  check_tags(BT_TAG_SERVICE_NAME, NULL, "", 2,
             scene.kind->keeps_own && !scene.kind->hides_own_tags ? "betrace:2 pay:2 " : "pay:2 shop:2 ",
             scene.kind->keeps_own && !scene.kind->hides_own_tags);
  bt_tag_request wrong = {.scope = BT_TAG_SPAN, .range = whole(), .limit = BT_TAGS_LIMIT_MAX + 1, .tenant = tenant_a};
  bt_tag_list list = {0};
  assert_int_equal(bt_source_tag_names(scene.source, &wrong, &list, &error), BT_INVALID);
  wrong.limit = 0;
  assert_int_equal(bt_source_tag_values(scene.source, &wrong, &list, &error), BT_INVALID); /* no key */
  wrong.scope = BT_TAG_SPAN_NAME;
  assert_int_equal(bt_source_tag_names(scene.source, &wrong, &list, &error), BT_INVALID); /* no scope with keys */
  bt_cancel cancel;
  atomic_init(&cancel.requested, true);
  wrong.cancel = &cancel;
  assert_int_equal(bt_source_tag_values(scene.source, &wrong, &list, &error), BT_CANCELLED);
  bt_tag_list_dispose(&list);
}

static void test_check(void **state) {
  (void)state;
  bt_error error = {0};
  assert_int_equal(bt_source_check(scene.source, NULL, &error), BT_OK);
  assert_string_equal(scene.source->name, scene.kind->kind ? scene.kind->kind : scene.kind->name);
}

/* ---- set up ---- */

static int set_up(void **state) {
  (void)state;
  scene_set_up();
  if (!scene.kind->needs) return 0;
  bool filters = bt_source_known(scene.source).filters;
  size_t found = charges_found();
  wait_for("charge", tenant_a, found);
  wait_for("checkout", tenant_a, found);
  if (scene.kind->has_tenants) wait_for("checkout", tenant_b, 1);
  wait_for(BT_OWN_VIOLATION, tenant_a, filters ? 1 : found);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  scene_tear_down();
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2 || !(scene.kind = store_row_of(argv[1]))) {
    fprintf(stderr, "usage: test_source_conformance STORE, one of\n");
    for (const store_row *row = store_rows; row->name; row++) fprintf(stderr, "  %s\n", row->name);
    return 2;
  }
  if (scene.kind->needs && !getenv(scene.kind->needs)) return 77;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_check),
                                     cmocka_unit_test(test_finds_every_trace_once),
                                     cmocka_unit_test(test_ranges),
                                     cmocka_unit_test(test_limit),
                                     cmocka_unit_test(test_linking),
                                     cmocka_unit_test(test_cancel),
                                     cmocka_unit_test(test_reads_whole_traces),
                                     cmocka_unit_test(test_reads_nothing),
                                     cmocka_unit_test(test_the_sink_stops_a_read),
                                     cmocka_unit_test(test_tags),
                                     cmocka_unit_test(test_tags_are_what_is_read),
                                     cmocka_unit_test(test_tenants),
                                     cmocka_unit_test(test_own_traces_are_hidden),
                                     cmocka_unit_test(test_promises_agree),
                                     cmocka_unit_test(test_adjacent_windows_find_everything),
                                     cmocka_unit_test(test_limits_of_filters),
                                     cmocka_unit_test(test_filters_that_name_one),
                                     cmocka_unit_test(test_finds_spans),
                                     cmocka_unit_test(test_finds_spans_in_parts),
                                     cmocka_unit_test(test_reads_some_spans),
                                     cmocka_unit_test(test_searches_ahead),
                                     cmocka_unit_test(test_reads_ahead),
                                     cmocka_unit_test(test_cancel_of_links_and_spans),
                                     cmocka_unit_test(test_cancel_during),
                                     cmocka_unit_test(test_failures_are_said),
                                     cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_ids_with_zeros),
                                     cmocka_unit_test(test_batches_show_how_kept),
                                     cmocka_unit_test(test_links),
                                     cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_filters_of_rules)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
