/* Ids, what a trace says of itself, and the builder (what merges, what differs, what is missing), also where memory
 * runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsl/trace/trace.h"
#include "dsl/trace/trace_copy.h"
#include "tests/support/failing_alloc.h"

static const bt_trace_id some_id = {{1}};
static const bt_resource no_resource;
static const bt_scope no_scope;

static bt_span make_span(uint8_t id, uint8_t parent, int64_t start_ns, int64_t end_ns) {
  return (bt_span){.id = {{0, 0, 0, 0, 0, 0, 0, id}},
                   .parent_id = {{0, 0, 0, 0, 0, 0, 0, parent}},
                   .name = BT_STR("x"),
                   .start_ns = start_ns,
                   .end_ns = end_ns,
                   .resource = &no_resource,
                   .scope = &no_scope};
}

static void test_ids(void **state) {
  (void)state;
  char hex[BT_TRACE_ID_HEX + 1], span_hex[BT_SPAN_ID_HEX + 1];
  bt_trace_id id, other;
  bt_span_id span;
  assert_true(bt_trace_id_parse(BT_STR("0123456789abcdefFEDCBA9876543210"), &id));
  bt_trace_id_format(&id, hex);
  assert_string_equal(hex, "0123456789abcdeffedcba9876543210");
  assert_true(bt_trace_id_parse(BT_STR("abc"), &id)); /* leading zeros are lost on the way */
  bt_trace_id_format(&id, hex);
  assert_string_equal(hex, "00000000000000000000000000000abc");
  assert_true(bt_trace_id_parse(BT_STR("0abc"), &other));
  assert_int_equal(bt_trace_id_compare(&id, &other), 0);
  assert_true(bt_trace_id_parse(BT_STR("abd"), &other));
  assert_true(bt_trace_id_compare(&id, &other) < 0);
  assert_false(bt_trace_id_parse(BT_STR(""), &id));
  assert_false(bt_trace_id_parse(BT_STR("12g"), &id));
  assert_false(bt_trace_id_parse(BT_STR("0123456789abcdefFEDCBA98765432100"), &id));
  assert_true(bt_span_id_parse(BT_STR("7f"), &span));
  assert_false(bt_span_id_is_zero(&span));
  bt_span_id_format(&span, span_hex);
  assert_string_equal(span_hex, "000000000000007f");
  assert_true(bt_span_id_parse(BT_STR("0"), &span));
  assert_true(bt_span_id_is_zero(&span));
  assert_false(bt_span_id_parse(BT_STR("00000000000000001"), &span));
}

static void test_times(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  bt_trace_builder *builder = bt_trace_builder_new(&arena, &some_id);
  const bt_trace *trace = bt_trace_builder_finish(builder);
  assert_int_equal(trace->span_count, 0);
  assert_int_equal(bt_trace_start_ns(trace), 0);
  assert_int_equal(bt_trace_end_ns(trace), 0);
  assert_int_equal(bt_trace_latest_start_ns(trace), 0);
  assert_int_equal(bt_trace_root(trace), BT_NO_SPAN);
  const bt_span spans[] = {make_span(1, 0, 50, 60), make_span(2, 1, 20, 90), make_span(3, 1, 70, 40)};
  for (size_t i = 0; i < 3; i++) assert_true(bt_trace_builder_add(builder, &spans[i]));
  trace = bt_trace_builder_finish(builder);
  assert_int_equal(bt_trace_start_ns(trace), 20);
  assert_int_equal(bt_trace_end_ns(trace), 90);
  assert_int_equal(bt_trace_latest_start_ns(trace), 70);
  assert_int_equal(bt_span_duration_ns(&trace->spans[0]), 70);
  assert_int_equal(bt_span_duration_ns(&trace->spans[2]), 0); /* never below 0 */
  const bt_span endless = make_span(4, 0, INT64_MIN, INT64_MAX);
  assert_int_equal(bt_span_duration_ns(&endless), INT64_MAX);
  assert_false(trace->partial);
  bt_trace_builder_mark_partial(builder);
  assert_true(bt_trace_builder_finish(builder)->partial);
  bt_arena_dispose(&arena);
}

/* More spans than the first array holds, each sent twice. */
static void test_growth(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 24);
  bt_trace_builder *builder = bt_trace_builder_new(&arena, &some_id);
  for (int round = 0; round < 2; round++)
    for (uint8_t i = 1; i < 200; i++) {
      bt_span span = make_span(i, (uint8_t)(i - 1), 1000 - i, 2000);
      assert_true(bt_trace_builder_add(builder, &span));
    }
  const bt_trace *trace = bt_trace_builder_finish(builder);
  assert_int_equal(trace->span_count, 199);
  assert_false(trace->differing_copies);
  assert_false(trace->missing_parents);
  assert_int_equal(bt_trace_root(trace), 198);
  for (uint8_t i = 1; i < 200; i++)
    assert_int_equal(trace->spans[199 - i].id.bytes[7], i); /* the last one starts first */
  bt_arena_dispose(&arena);
}

static void shuffle(uint32_t *state, bt_span *spans, size_t count) {
  for (size_t i = count; i > 1; i--) {
    *state = *state * 1664525u + 1013904223u;
    size_t other = (*state >> 8) % i;
    bt_span span = spans[other];
    spans[other] = spans[i - 1];
    spans[i - 1] = span;
  }
}

/* By start, then id, then kind; one without a start behind all others. The root is that of any order, too, and what is
 * added later finds its copy and its parent. */
static void test_order_is_that_of_time(void **state) {
  (void)state;
  enum { SPANS = 6, ROUNDS = 200 };
  uint32_t random = 1;
  for (int round = 0; round < ROUNDS; round++) {
    bt_arena arena;
    bt_arena_init(&arena, 1 << 20);
    bt_span spans[] = {make_span(5, 9, 10, 20), make_span(2, 5, 20, 30), make_span(2, 5, 20, 31),
                       make_span(3, 2, 20, 30), make_span(1, 3, 40, 50), make_span(4, 1, 0, 50)};
    static const uint8_t ids[] = {5, 2, 2, 3, 1, 4}, kinds[] = {0, BT_KIND_SERVER, BT_KIND_CLIENT, 0, 0, 0};
    for (size_t i = 0; i < SPANS; i++) spans[i].kind = kinds[i];
    bt_trace_builder *builder = bt_trace_builder_new(&arena, &some_id);
    shuffle(&random, spans, SPANS);
    for (size_t i = 0; i < SPANS; i++) {
      assert_true(bt_trace_builder_add(builder, &spans[i]));
      if (i % 2 == (size_t)round % 2) (void)bt_trace_builder_finish(builder);
      assert_true(bt_trace_builder_add(builder, &spans[i]));
    }
    const bt_trace *trace = bt_trace_builder_finish(builder);
    assert_int_equal(trace->span_count, SPANS);
    assert_false(trace->differing_copies);
    assert_true(trace->missing_parents);
    assert_int_equal(bt_trace_root(trace), 0);
    for (size_t i = 0; i < SPANS; i++) assert_int_equal(trace->spans[i].id.bytes[7], ids[i]);
    assert_int_equal(trace->spans[1].kind, BT_KIND_SERVER);
    bt_arena_dispose(&arena);
  }
}

static bool copies_differ(const bt_span *a, const bt_span *b) {
  bt_arena arena;
  bt_arena_init(&arena, 1 << 20);
  bt_trace_builder *builder = bt_trace_builder_new(&arena, &some_id);
  assert_true(bt_trace_builder_add(builder, a));
  assert_true(bt_trace_builder_add(builder, b));
  const bt_trace *trace = bt_trace_builder_finish(builder);
  assert_int_equal(trace->span_count, 1);
  bool differ = trace->differing_copies;
  assert_int_equal(differ, trace->spans[0].other != NULL);
  bt_arena_dispose(&arena);
  return differ;
}

static void test_copies(void **state) {
  (void)state;
  const bt_value one = {.type = BT_VALUE_INT, .integer = 1}, two = {.type = BT_VALUE_INT, .integer = 2},
                 nan_value = {.type = BT_VALUE_DOUBLE, .decimal = NAN};
  const bt_attribute ab[] = {{BT_STR("a"), one}, {BT_STR("b"), two}}, ba[] = {{BT_STR("b"), two}, {BT_STR("a"), one}},
                     ac[] = {{BT_STR("a"), one}, {BT_STR("b"), one}}, n[] = {{BT_STR("a"), nan_value}},
                     twice[] = {{BT_STR("a"), one}, {BT_STR("a"), two}},
                     twisted[] = {{BT_STR("a"), two}, {BT_STR("a"), one}};
  const bt_event event = {.name = BT_STR("e"), .time_ns = 5, .attributes = {ab, 2}},
                 later = {.name = BT_STR("e"), .time_ns = 6};
  const bt_resource shop = {.service = BT_STR("shop")}, same_shop = shop, empty_service = {.service = {"", 0}};
  const bt_scope scope = {.name = BT_STR("lib")};
  bt_span a = make_span(1, 2, 10, 20), b = a;
  assert_false(copies_differ(&a, &b));
  b = a, b.start_ns = 11;
  assert_true(copies_differ(&a, &b));
  b = a, b.end_ns = 21;
  assert_true(copies_differ(&a, &b));
  b = a, b.parent_id.bytes[0] = 1;
  assert_true(copies_differ(&a, &b));
  b = a, b.name = BT_STR("y");
  assert_true(copies_differ(&a, &b));
  b = a, b.status = BT_SPAN_STATUS_ERROR;
  assert_true(copies_differ(&a, &b));
  b = a, b.status_message = BT_STR("m");
  assert_true(copies_differ(&a, &b));
  b = a, b.resource = &shop;
  assert_true(copies_differ(&a, &b));
  a.resource = &same_shop;
  assert_false(copies_differ(&a, &b));
  a.resource = &no_resource, b.resource = &empty_service;
  assert_true(copies_differ(&a, &b)); /* an empty name is a name */
  b = a, b.scope = &scope;
  assert_true(copies_differ(&a, &b));
  a.attributes = (bt_attributes){.items = ab, .count = 2}, b = a, b.attributes.items = ba;
  assert_false(copies_differ(&a, &b)); /* attributes have no order */
  b.attributes.items = ac;
  assert_true(copies_differ(&a, &b));
  b.attributes.count = 1;
  assert_true(copies_differ(&a, &b));
  a.attributes = b.attributes = (bt_attributes){.items = n, .count = 1};
  assert_false(copies_differ(&a, &b));
  a.attributes = (bt_attributes){.items = twice, .count = 2},
  b.attributes = (bt_attributes){.items = twisted, .count = 2};
  assert_true(copies_differ(&a, &b)); /* either value may be right */
  a.attributes = (bt_attributes){.items = ab, .count = 2};
  b = a, b.events = &event, b.event_count = 1;
  assert_true(copies_differ(&a, &b));
  a.events = &later, a.event_count = 1;
  assert_true(copies_differ(&a, &b));
  a.events = &event;
  assert_false(copies_differ(&a, &b));
}

static void test_copies_with_links(void **state) {
  (void)state;
  const bt_value one = {.type = BT_VALUE_INT, .integer = 1}, two = {.type = BT_VALUE_INT, .integer = 2};
  const bt_attribute ab[] = {{BT_STR("a"), one}, {BT_STR("b"), two}}, ba[] = {{BT_STR("b"), two}, {BT_STR("a"), one}},
                     ac[] = {{BT_STR("a"), one}, {BT_STR("b"), one}};
  bt_span a = make_span(1, 2, 10, 20), b;
  const bt_link link = {.trace_id = {{1}}, .span_id = {{2}}, .attributes = {ab, 2}},
                same_link = {.trace_id = {{1}}, .span_id = {{2}}, .attributes = {ba, 2}};
  const bt_link others[] = {{.trace_id = {{2}}, .span_id = {{2}}, .attributes = {ab, 2}},
                            {.trace_id = {{1}}, .span_id = {{3}}, .attributes = {ab, 2}},
                            {.trace_id = {{1}}, .span_id = {{2}}, .attributes = {ac, 2}}};
  b = a, b.links = &link, b.link_count = 1;
  assert_true(copies_differ(&a, &b));
  a.links = &same_link, a.link_count = 1;
  assert_false(copies_differ(&a, &b));
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    a.links = &others[i];
    assert_true(copies_differ(&a, &b));
  }
}

typedef struct lossy_span {
  bt_span span;
  bt_event event;
  bt_link link;
  bt_resource resource;
  bt_scope scope;
} lossy_span;

enum { PLACES = 4 };

/* How many attributes its event, its link, its resource and its scope lost. */
static uint32_t *lost_at(lossy_span *made, size_t place) {
  bt_attributes *places[PLACES] = {&made->event.attributes, &made->link.attributes, &made->resource.attributes,
                                   &made->scope.attributes};
  return &places[place]->dropped;
}

static const bt_attributes *attributes_of(const bt_span *span, size_t place) {
  const bt_attributes *places[PLACES] = {&span->events[0].attributes, &span->links[0].attributes,
                                         &span->resource->attributes, &span->scope->attributes};
  return places[place];
}

static void make_lossy(lossy_span *made, size_t place, uint32_t lost) {
  *made = (lossy_span){.span = make_span(1, 2, 10, 20), .event = {.name = BT_STR("e")}, .scope = {.name = BT_STR("s")}};
  made->span.events = &made->event;
  made->span.links = &made->link;
  made->span.event_count = made->span.link_count = 1;
  made->span.resource = &made->resource;
  made->span.scope = &made->scope;
  *lost_at(made, place) = lost;
}

static const bt_trace *build_two(bt_arena *arena, const bt_span *first, const bt_span *second) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &some_id);
  assert_non_null(builder);
  assert_true(bt_trace_builder_add(builder, first));
  assert_true(bt_trace_builder_add(builder, second));
  return bt_trace_builder_finish(builder);
}

/* Two records that differ in such a number alone are two, the same one first in whatever order they come, and a copy
 * has both. */
static void test_what_parts_lost(void **state) {
  (void)state;
  for (size_t place = 0; place < PLACES; place++) {
    lossy_span none, lossy, same;
    bt_arena arena;
    bt_arena_init(&arena, (size_t)1 << 24);
    make_lossy(&none, place, 0), make_lossy(&lossy, place, 2), make_lossy(&same, place, 2);
    assert_false(copies_differ(&lossy.span, &same.span));
    assert_true(copies_differ(&none.span, &lossy.span));
    const bt_trace *trace = build_two(&arena, &none.span, &lossy.span);
    const bt_trace *turned = build_two(&arena, &lossy.span, &none.span);
    uint32_t first = attributes_of(&trace->spans[0], place)->dropped;
    assert_int_equal(attributes_of(&turned->spans[0], place)->dropped, first);
    assert_int_equal(attributes_of(trace->spans[0].other, place)->dropped, 2 - first);
    void *room = calloc(1, bt_trace_copy_bytes(trace));
    assert_non_null(room);
    const bt_span *copy = bt_trace_copy_spans(trace, room);
    assert_int_equal(attributes_of(copy, place)->dropped, first);
    assert_int_equal(attributes_of(copy->other, place)->dropped, 2 - first);
    free(room);
    bt_arena_dispose(&arena);
  }
}

static void test_failing_allocator(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    bt_arena arena;
    bt_arena_init(&arena, (size_t)1 << 24);
    const bt_value one = {.type = BT_VALUE_INT, .integer = 1};
    const bt_attribute ab[] = {{BT_STR("a"), one}, {BT_STR("b"), one}}, ba[] = {{BT_STR("b"), one}, {BT_STR("a"), one}};
    failing_alloc_after(n);
    bt_trace_builder *builder = bt_trace_builder_new(&arena, &some_id);
    bool ok = builder != NULL;
    for (uint8_t i = 1; i <= 40 && ok; i++) {
      bt_span span = make_span((uint8_t)(i > 20 ? i - 20 : i), 0, 1, 2);
      span.attributes = (bt_attributes){.items = i > 20 ? ba : ab, .count = 2};
      ok = bt_trace_builder_add(builder, &span);
    }
    bool was_refused = failing_alloc_stop();
    assert_int_equal(ok, !was_refused);
    if (ok) assert_false(bt_trace_builder_finish(builder)->differing_copies);
    bt_arena_dispose(&arena);
    if (!was_refused) break;
    assert_true(n < 1000);
  }
}

enum { MANY = 1000 };

/* k0 to k999 with two values each, in either order. */
static bt_attributes make_doubled(bt_arena *arena, uint32_t key_count, bool turned) {
  bt_attribute *items = bt_arena_array(arena, (size_t)2 * key_count, sizeof *items);
  assert_non_null(items);
  for (uint32_t i = 0; i < 2 * key_count; i++) {
    char *key = bt_arena_alloc(arena, 8);
    assert_non_null(key);
    int length = snprintf(key, 8, "k%u", i % key_count);
    bool is_second = (i < key_count) == turned;
    items[i].key = (bt_str){key, (size_t)length};
    items[i].value = (bt_value){.type = BT_VALUE_INT, .integer = is_second ? 2 : 1};
  }
  return (bt_attributes){.items = items, .count = 2 * key_count};
}

static const bt_trace *build_one(bt_arena *arena, const bt_span *span, uint32_t times) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &some_id);
  bool has_room = builder != NULL;
  for (uint32_t i = 0; i < times && has_room; i++) has_room = bt_trace_builder_add(builder, span);
  return has_room ? bt_trace_builder_finish(builder) : NULL;
}

/* 2^1000 records that the span may be: it has the one that came, and is told with one value of each key, the same in
 * whatever order they stand. */
static void test_many_doubled_keys(void **state) {
  (void)state;
  int64_t told[2][MANY];
  for (int turned = 0; turned < 2; turned++) {
    bt_arena arena, made;
    bt_arena_init(&arena, (size_t)1 << 24);
    bt_arena_init(&made, (size_t)1 << 24);
    bt_span span = make_span(1, 0, 1, 2);
    span.attributes = make_doubled(&made, MANY, turned);
    const bt_trace *trace = build_one(&arena, &span, 3);
    assert_non_null(trace);
    assert_true(trace->differing_copies && !trace->has_more_copies);
    assert_null(trace->spans[0].other);
    assert_int_equal(trace->spans[0].attributes.count, MANY);
    assert_non_null(trace->spans[0].unsplit);
    assert_null(trace->spans[0].unsplit->other);
    assert_int_equal(trace->spans[0].unsplit->attributes.count, 2 * MANY);
    for (uint32_t i = 0; i < MANY; i++) told[turned][i] = trace->spans[0].attributes.items[i].value.integer;
    /* three times, each a few times what came */
    assert_true(arena.total_bytes < (size_t)3 * 4 * 2 * MANY * sizeof(bt_attribute));
    bt_arena_dispose(&arena);
    bt_arena_dispose(&made);
  }
  assert_memory_equal(told[0], told[1], sizeof told[0]);
}

/* Such a key in each of many events: memory grows with the events, not with their square. */
static void test_many_doubled_events(void **state) {
  (void)state;
  bt_arena arena, made;
  bt_arena_init(&arena, (size_t)1 << 24);
  bt_arena_init(&made, (size_t)1 << 24);
  bt_event *events = bt_arena_array(&made, MANY, sizeof *events);
  assert_non_null(events);
  for (uint32_t i = 0; i < MANY; i++) events[i].attributes = make_doubled(&made, 1, false);
  bt_span span = make_span(1, 0, 1, 2);
  span.events = events;
  span.event_count = MANY;
  const bt_trace *trace = build_one(&arena, &span, 1);
  assert_non_null(trace);
  assert_true(trace->differing_copies && !trace->has_more_copies);
  for (uint32_t i = 0; i < MANY; i++) assert_int_equal(trace->spans[0].events[i].attributes.count, 1);
  assert_true(arena.total_bytes < (size_t)4 * MANY * (sizeof(bt_event) + 2 * sizeof(bt_attribute)));
  bt_arena_dispose(&arena);
  bt_arena_dispose(&made);
}

/* A copy has what did not fit into records, too. */
static void test_doubled_keys_are_copied(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 24);
  bt_span span = make_span(1, 0, 1, 2);
  span.attributes = make_doubled(&arena, 5, false);
  const bt_trace *trace = build_one(&arena, &span, 1);
  assert_non_null(trace);
  size_t bytes = bt_trace_copy_bytes(trace);
  void *room = calloc(1, bytes);
  assert_non_null(room);
  const bt_span *copy = bt_trace_copy_spans(trace, room);
  assert_ptr_not_equal(copy->unsplit, trace->spans[0].unsplit);
  assert_int_equal(copy->unsplit->attributes.count, 10);
  const bt_trace *again = build_one(&arena, copy, 2);
  assert_non_null(again);
  assert_int_equal(again->spans[0].unsplit->attributes.count, 10);
  assert_int_equal(again->spans[0].attributes.count, 5);
  free(room);
  bt_arena_dispose(&arena);
}

static void test_doubled_keys_without_memory(void **state) {
  (void)state;
  bt_arena made;
  bt_arena_init(&made, (size_t)1 << 24);
  const bt_resource resource = {.attributes = make_doubled(&made, 300, false)};
  const bt_event event = {.name = BT_STR("e"), .attributes = make_doubled(&made, 300, true)};
  const bt_link link = {.attributes = make_doubled(&made, 300, true)};
  const bt_scope scope = {.attributes = make_doubled(&made, 300, true)};
  bt_span span = make_span(1, 0, 1, 2);
  span.attributes = make_doubled(&made, 300, false);
  span.resource = &resource;
  span.scope = &scope;
  span.events = &event;
  span.links = &link;
  span.event_count = span.link_count = 1;
  for (size_t n = 0;; n++) {
    bt_arena arena;
    bt_arena_init(&arena, (size_t)1 << 24);
    failing_alloc_after(n);
    const bt_trace *trace = build_one(&arena, &span, 2);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(trace != NULL, !was_refused);
    if (trace) assert_int_equal(trace->spans[0].unsplit->event_count, 1);
    bt_arena_dispose(&arena);
    if (!was_refused) break;
    assert_true(n < 1000);
  }
  bt_arena_dispose(&made);
}

/* The arena's cap is a limit like the allocator's. */
static void test_cap(void **state) {
  (void)state;
  bt_arena arena;
  bt_arena_init(&arena, 64);
  assert_null(bt_trace_builder_new(&arena, &some_id));
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids),
                                     cmocka_unit_test(test_times),
                                     cmocka_unit_test(test_growth),
                                     cmocka_unit_test(test_order_is_that_of_time),
                                     cmocka_unit_test(test_copies),
                                     cmocka_unit_test(test_copies_with_links),
                                     cmocka_unit_test(test_what_parts_lost),
                                     cmocka_unit_test(test_failing_allocator),
                                     cmocka_unit_test(test_many_doubled_keys),
                                     cmocka_unit_test(test_many_doubled_events),
                                     cmocka_unit_test(test_doubled_keys_are_copied),
                                     cmocka_unit_test(test_doubled_keys_without_memory),
                                     cmocka_unit_test(test_cap)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
