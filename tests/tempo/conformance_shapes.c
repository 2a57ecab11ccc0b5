/* Cases of traces that come in pieces, spans that come twice, ids that begin with zeros, and links. Each fills a store
 * of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/support/asked.h"
#include "dsl/trace/keeping.h"
#include "tests/tempo/conformance_asking.h"
#include "tests/tempo/conformance_cases.h"
#include "tests/tempo/conformance_scene.h"

static bt_projected mark_field[] = {{BT_PROJECTED_SPAN, {"mark", 4}}};
static const bt_projection marks = {.parent = true, .service = true, .attributes = mark_field, .attribute_count = 1};

static bt_trace_id trace_id(uint8_t first, uint8_t last) {
  bt_trace_id id = {{0}};
  id.bytes[0] = first;
  id.bytes[7] = 0x77;
  id.bytes[15] = last;
  return id;
}

static bt_span_id span_id(uint8_t number) {
  return (bt_span_id){{0xB0, 0, 0, 0, 0, 0, 0, number}};
}

/* Of a trace that began half a minute ago; its mark is a static value. */
static bt_export_span span_of(bt_trace_id trace, uint8_t number, uint8_t parent, const char *name, int64_t base_ns) {
  bt_export_span span = {.trace_id = trace,
                         .span_id = span_id(number),
                         .name = bt_str_from(name),
                         .kind = BT_KIND_INTERNAL,
                         .start_ns = base_ns + number * 1000000,
                         .end_ns = base_ns + number * 1000000 + 5000000};
  if (parent) span.parent_id = span_id(parent);
  return span;
}

static void push_one(store *s, const char *tenant, const bt_export_span *span) {
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("shapes")}};
  bt_export_resource resource = {.attributes = &service, .attribute_count = 1, .spans = span, .span_count = 1};
  store_push(s, tenant, &resource, 1);
}

static void mark(bt_export_span *span, bt_attribute *room, int64_t value) {
  *room = (bt_attribute){BT_STR("mark"), {.type = BT_VALUE_INT, .integer = value}};
  span->attributes = room;
  span->attribute_count = 1;
}

/* ---- pieces and copies ---- */

enum { IN_PIECES, IN_FRAGMENTS, SENT_TWICE, DIFFERING, HALVES, SHAPES };

/* The root of a trace last, other traces in between, and the rest of one behind the end of a fragment. */
static void push_shapes(store *s, const char *tenant, bt_trace_id ids[SHAPES], int64_t base_ns) {
  bt_attribute room;
  bt_export_span span = span_of(ids[IN_PIECES], 3, 2, "leaf", base_ns);
  push_one(s, tenant, &span);
  span = span_of(ids[IN_FRAGMENTS], 1, 0, "root", base_ns);
  push_one(s, tenant, &span);
  span = span_of(ids[SENT_TWICE], 1, 0, "twice", base_ns);
  mark(&span, &room, 1);
  push_one(s, tenant, &span);
  push_one(s, tenant, &span);
  span = span_of(ids[IN_PIECES], 2, 1, "branch", base_ns);
  push_one(s, tenant, &span);
  span = span_of(ids[DIFFERING], 1, 0, "differs", base_ns);
  mark(&span, &room, 1);
  push_one(s, tenant, &span);
  span = span_of(ids[HALVES], 1, 0, "client", base_ns);
  span.kind = BT_KIND_CLIENT;
  push_one(s, tenant, &span);
  if (!s->row->opens_last) store_show(s, tenant);
}

static void push_second_fragment(store *s, const char *tenant, bt_trace_id ids[SHAPES], int64_t base_ns) {
  bt_attribute room;
  bt_export_span span = span_of(ids[IN_PIECES], 1, 0, "root", base_ns);
  push_one(s, tenant, &span);
  span = span_of(ids[IN_FRAGMENTS], 2, 1, "late", base_ns + 20 * second_ns);
  push_one(s, tenant, &span);
  span = span_of(ids[SENT_TWICE], 1, 0, "twice", base_ns);
  mark(&span, &room, 1);
  push_one(s, tenant, &span);
  span = span_of(ids[DIFFERING], 1, 0, "differs", base_ns);
  mark(&span, &room, 2);
  push_one(s, tenant, &span);
  span = span_of(ids[HALVES], 1, 0, "server", base_ns);
  span.kind = BT_KIND_SERVER;
  push_one(s, tenant, &span);
}

static void check_pieces(const bt_trace *trace, uint32_t count) {
  assert_int_equal(trace->span_count, count);
  assert_false(trace->partial || trace->missing_parents || trace->differing_copies);
  assert_int_equal(trace->root, 0);
  for (uint32_t i = 0; i < count; i++)
    assert_memory_equal(&trace->spans[i].id, &(bt_span_id[]){span_id((uint8_t)(i + 1))}[0], 8);
}

/* Either record of it, never a mixture; a store that keeps both gives both. */
static void check_differing(const store_row *row, const bt_trace *trace, bool by_id) {
  unsigned seen = 0;
  assert_int_equal(trace->span_count, 1);
  for (const bt_span *record = &trace->spans[0]; record; record = record->other) {
    assert_int_equal(record->attributes.count, 1);
    int64_t value = store_integer(row, &record->attributes.items[0].value);
    assert_true(value == 1 || value == 2);
    seen |= 1u << value;
  }
  assert_true(trace->differing_copies == (seen == 6));
  if (row->keeps_records && by_id) assert_true(trace->differing_copies);
}

static void check_halves(const bt_trace *trace) {
  assert_int_equal(trace->span_count, 2);
  for (uint32_t i = 0; i < 2; i++) {
    const bt_span *span = &trace->spans[i];
    assert_int_equal(span->kind, bt_str_equal(span->name, BT_STR("client")) ? BT_KIND_CLIENT : BT_KIND_SERVER);
  }
  assert_true(trace->spans[0].kind != trace->spans[1].kind);
}

static void check_shapes(store *s, const char *tenant, const bt_trace_id ids[SHAPES], const bt_projection *projection) {
  read_copy copies[SHAPES];
  for (int i = 0; i < SHAPES; i++) {
    copies[i] = ask_trace(s->source, tenant, &ids[i], projection);
    assert_true(copies[i].is_there || (projection && copies[i].needs_by_id));
  }
  if (copies[IN_PIECES].is_there) check_pieces(&copies[IN_PIECES].trace, 3);
  if (copies[IN_FRAGMENTS].is_there) check_pieces(&copies[IN_FRAGMENTS].trace, 2);
  if (copies[SENT_TWICE].is_there) check_pieces(&copies[SENT_TWICE].trace, 1);
  if (copies[DIFFERING].is_there) check_differing(s->row, &copies[DIFFERING].trace, !projection);
  if (copies[HALVES].is_there) check_halves(&copies[HALVES].trace);
  for (int i = 0; i < SHAPES; i++) read_copy_dispose(&copies[i]);
}

/* Each trace is found once, and by spans of either fragment. Its bounds are those of all spans, or of a fragment where
 * a store knows its fragments alone. */
static void check_shapes_are_found(store *s, const char *tenant, const bt_trace_id ids[SHAPES], int64_t base_ns) {
  static const char *const names[] = {"root", "late"};
  bt_found_list found = ask_search(s->source, bt_query_all(), store_all_time(), tenant);
  assert_int_equal(found.count, SHAPES);
  const bt_found *split = bt_found_list_get(&found, &ids[IN_FRAGMENTS]);
  assert_non_null(split);
  assert_true(split->start_ns <= base_ns + 1000000 && split->end_ns >= base_ns + 6000000);
  if (!s->row->end_fragment) assert_true(split->end_ns >= base_ns + 20 * second_ns);
  bt_found_list_dispose(&found);
  for (int i = 0; i < 2; i++) {
    found = ask_search(s->source, asked_name(names[i]), store_all_time(), tenant);
    assert_non_null(bt_found_list_get(&found, &ids[IN_FRAGMENTS]));
    bt_found_list_dispose(&found);
  }
  bt_time_range late = {base_ns + 20 * second_ns, base_ns + 21 * second_ns};
  found = ask_search(s->source, asked_name("late"), late, tenant);
  assert_non_null(bt_found_list_get(&found, &ids[IN_FRAGMENTS]));
  bt_found_list_dispose(&found);
}

void test_shapes(void **state) {
  const char *tenant = store_tenant(scene.kind, "conformance-shapes");
  (void)state;
  store s;
  bt_trace_id ids[SHAPES];
  int64_t base_ns = store_now_ns() / second_ns * second_ns - 30 * second_ns;
  for (uint8_t i = 0; i < SHAPES; i++) ids[i] = trace_id((uint8_t)(0x10 + i), 1);
  store_begin(&s, scene.kind);
  push_shapes(&s, tenant, ids, base_ns);
  if (s.row->end_fragment) s.row->end_fragment(&s);
  push_second_fragment(&s, tenant, ids, base_ns);
  store_show(&s, tenant);
  check_shapes(&s, tenant, ids, NULL);
  check_shapes(&s, tenant, ids, &marks);
  check_shapes_are_found(&s, tenant, ids, base_ns);
  store_end(&s);
}

/* ---- ids ---- */

enum { ZERO_IDS = 6 };

/* With one zero byte in front, with eight, with fifteen, with zeros behind, and two that differ in zeros alone. */
static void make_zero_ids(bt_trace_id ids[ZERO_IDS]) {
  memset(ids, 0, ZERO_IDS * sizeof *ids);
  for (int b = 1; b < 16; b++) ids[0].bytes[b] = (uint8_t)(0x21 + b);
  for (int b = 8; b < 16; b++) ids[1].bytes[b] = (uint8_t)(0x31 + b);
  ids[2].bytes[15] = 0x0a;
  for (int b = 0; b < 8; b++) ids[3].bytes[b] = (uint8_t)(0x41 + b);
  for (int b = 0; b < 16; b++) ids[4].bytes[b] = (uint8_t)(0x51 + b);
  ids[5] = ids[4];
  ids[5].bytes[0] = 0;
}

static void push_zero_ids(store *s, const char *tenant, const bt_trace_id ids[ZERO_IDS], int64_t base_ns) {
  bt_export_span spans[2 * ZERO_IDS];
  bt_link links[ZERO_IDS];
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("zeros")}};
  bt_export_resource resource = {
      .attributes = &service, .attribute_count = 1, .spans = spans, .span_count = 2 * ZERO_IDS};
  for (uint8_t i = 0; i < ZERO_IDS; i++) {
    spans[2 * i] = span_of(ids[i], 1, 0, "zeros", base_ns + i * second_ns);
    spans[2 * i].span_id = (bt_span_id){{0, 0, 0, 0, 0, 0, 0, 7}};
    spans[2 * i + 1] = span_of(ids[i], 2, 0, "inner", base_ns + i * second_ns);
    spans[2 * i + 1].parent_id = spans[2 * i].span_id;
    links[i] = (bt_link){.trace_id = ids[(i + 1) % ZERO_IDS], .span_id = spans[2 * i].span_id};
    spans[2 * i + 1].links = &links[i];
    spans[2 * i + 1].link_count = 1;
  }
  store_push(s, tenant, &resource, 1);
}

static void check_zero_id(store *s, const char *tenant, const bt_trace_id *id, const bt_projection *projection) {
  read_copy copy = ask_trace(s->source, tenant, id, projection);
  if (projection && copy.needs_by_id) return;
  assert_true(copy.is_there);
  assert_memory_equal(copy.trace.id.bytes, id->bytes, sizeof id->bytes);
  assert_int_equal(copy.trace.span_count, 2);
  assert_false(copy.trace.missing_parents);
  assert_memory_equal(copy.trace.spans[0].id.bytes, ((uint8_t[8]){0, 0, 0, 0, 0, 0, 0, 7}), 8);
  assert_memory_equal(copy.trace.spans[1].parent_id.bytes, copy.trace.spans[0].id.bytes, 8);
  read_copy_dispose(&copy);
}

/* Zeros alone are nobody's id: no store has such a trace, and none says that it failed. */
static void check_nobodys_id(store *s, const char *tenant) {
  bt_trace_id nobody = {{0}};
  read_copy copy = ask_trace(s->source, tenant, &nobody, NULL);
  assert_false(copy.is_there || copy.needs_by_id);
  copy = ask_trace(s->source, tenant, &nobody, &marks);
  assert_false(copy.is_there || copy.needs_by_id);
}

void test_ids_with_zeros(void **state) {
  const char *tenant = store_tenant(scene.kind, "conformance-zeros");
  (void)state;
  store s;
  bt_trace_id ids[ZERO_IDS];
  make_zero_ids(ids);
  store_begin(&s, scene.kind);
  push_zero_ids(&s, tenant, ids, store_now_ns() / second_ns * second_ns - 60 * second_ns);
  store_show(&s, tenant);
  bt_found_list found = ask_search(s.source, asked_name("inner"), store_all_time(), tenant);
  assert_int_equal(found.count, ZERO_IDS);
  for (int i = 0; i < ZERO_IDS; i++) assert_non_null(bt_found_list_get(&found, &ids[i]));
  bt_found_list_dispose(&found);
  for (int i = 0; i < ZERO_IDS; i++) {
    check_zero_id(&s, tenant, &ids[i], NULL);
    check_zero_id(&s, tenant, &ids[i], &marks);
    bt_links_request links = {.ids = &ids[i], .count = 1, .range = store_all_time(), .tenant = tenant};
    found = ask_links(s.source, &links);
    assert_non_null(bt_found_list_get(&found, &ids[(i + ZERO_IDS - 1) % ZERO_IDS]));
    bt_found_list_dispose(&found);
  }
  check_nobodys_id(&s, tenant);
  store_end(&s);
}

/* ---- how traces were kept ---- */

/* As two of its spans say it, and its scope. */
static const struct {
  const char *first, *second, *scope;
} keepings[] = {{"ot=th:8", "ot=th:8", ""},
                {"ot=th:8", "ot=th:c", ""},
                {"ot=th:8;rv:ffffffffffffff", "", ""},
                {"", "", "{\"key\":\"tailsampling.policy\",\"value\":{\"stringValue\":\"slow\"}}"},
                {"", "", ""}};
enum { KEEPINGS = sizeof keepings / sizeof *keepings };

static bt_trace_id kept_id(int number) {
  return (bt_trace_id){{0x62, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 10, 11, 12, 13, 14, (uint8_t)(number + 1)}};
}

static void push_kept(store *s, const char *tenant, int number, int64_t at_ns) {
  char json[2000], id[BT_TRACE_ID_HEX + 1];
  bt_trace_id trace = kept_id(number);
  bt_trace_id_format(&trace, id);
  snprintf(
      json, sizeof json,
      "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
      "\"kept\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"s\",\"attributes\":[%s]},\"spans\":[{\"traceId\":\"%s\","
      "\"spanId\":\"c000000000000001\",\"name\":\"kept\",\"kind\":2,\"startTimeUnixNano\":\"%lld\","
      "\"endTimeUnixNano\":\"%lld\",\"traceState\":\"%s\"},{\"traceId\":\"%s\",\"spanId\":\"c000000000000002\","
      "\"name\":\"kept\",\"kind\":1,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"traceState\":"
      "\"%s\"}]}]}]}",
      keepings[number].scope, id, (long long)at_ns, (long long)at_ns + 500000, keepings[number].first, id,
      (long long)at_ns, (long long)at_ns + 500000, keepings[number].second);
  store_push_json(s, tenant, json, 2);
}

/* How a trace was kept shows in a batch as it does by id, where the source says that it does. */
void test_batches_show_how_kept(void **state) {
  const char *tenant = store_tenant(scene.kind, "conformance-kept");
  (void)state;
  store s;
  store_begin(&s, scene.kind);
  int64_t base_ns = store_now_ns() / second_ns * second_ns - 60 * second_ns;
  for (int i = 0; i < KEEPINGS; i++) push_kept(&s, tenant, i, base_ns + i * second_ns);
  store_show(&s, tenant);
  bool shows = bt_source_known(s.source).batches_show_kept;
  if (!shows) printf("does not apply to %s: how traces were kept shows by id alone\n", s.row->name);
  for (int i = 0; shows && i < KEEPINGS; i++) {
    bt_trace_id id = kept_id(i);
    read_copy by_id = ask_trace(s.source, tenant, &id, NULL), batch = ask_trace(s.source, tenant, &id, &marks);
    assert_true(by_id.is_there && batch.is_there && !batch.needs_by_id);
    bt_trace_keeping said = bt_keeping_of(&by_id.trace), shown = bt_keeping_of(&batch.trace);
    if (keepings[i].first[0]) assert_int_not_equal(said.kind, BT_KEEPING_UNSAID);
    assert_int_equal(shown.kind, said.kind);
    assert_true(shown.threshold == said.threshold && shown.randomness == said.randomness);
    assert_int_equal(shown.has_policy, said.has_policy);
    read_copy_dispose(&by_id);
    read_copy_dispose(&batch);
  }
  store_end(&s);
}

/* ---- links ---- */

enum { TARGET, OWN, FIRST_LINK, LAST_LINK, OTHER_SPAN, TO_NOBODY, OTHER_NAME, LINKERS };

/* One link each, but for the two whose link to the target is the first, or the last, of three. */
static void push_links(store *s, const char *tenant, const bt_trace_id ids[LINKERS], int64_t base_ns) {
  bt_link links[LINKERS][3] = {{{.trace_id = {{0}}}}};
  bt_export_span spans[LINKERS];
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("links")}};
  bt_export_resource resource = {.attributes = &service, .attribute_count = 1, .spans = spans, .span_count = LINKERS};
  for (uint8_t i = 0; i < LINKERS; i++) {
    spans[i] = span_of(ids[i], 1, 0, i == OTHER_NAME ? "other" : "linker", base_ns + i * second_ns);
    spans[i].links = links[i];
    spans[i].link_count = i == TARGET ? 0 : i == FIRST_LINK || i == LAST_LINK ? 3 : 1;
    for (int k = 0; k < 3; k++)
      links[i][k] = (bt_link){.trace_id = trace_id(0xEE, (uint8_t)(k + 1)), .span_id = span_id(9)};
    links[i][i == LAST_LINK ? 2 : 0] = (bt_link){.trace_id = ids[i == OWN ? OWN : TARGET], .span_id = span_id(1)};
  }
  links[OTHER_SPAN][0].span_id = span_id(4);
  links[TO_NOBODY][0].trace_id = (bt_trace_id){{0}};
  store_push(s, tenant, &resource, 1);
}

static void check_linkers(store *s, const bt_links_request *request, const bt_trace_id ids[LINKERS], unsigned wanted,
                          unsigned allowed) {
  bt_found_list found = ask_links(s->source, request);
  for (unsigned i = 0; i < LINKERS; i++) {
    bool is_found = bt_found_list_get(&found, &ids[i]) != NULL;
    if (wanted & 1u << i && !is_found) fail_msg("linker %u is not found", i);
    if (is_found && !((wanted | allowed) & 1u << i)) fail_msg("trace %u is found, and does not link", i);
  }
  bt_found_list_dispose(&found);
}

void test_links(void **state) {
  const char *tenant = store_tenant(scene.kind, "conformance-links");
  (void)state;
  store s;
  bt_trace_id ids[LINKERS], nobody = {{0}};
  int64_t base_ns = store_now_ns() / second_ns * second_ns - 60 * second_ns;
  for (uint8_t i = 0; i < LINKERS; i++) ids[i] = trace_id((uint8_t)(0x90 + i), i);
  store_begin(&s, scene.kind);
  push_links(&s, tenant, ids, base_ns);
  store_show(&s, tenant);
  unsigned to_spans = 1u << FIRST_LINK | 1u << LAST_LINK | 1u << OTHER_NAME, to_target = to_spans | 1u << OTHER_SPAN;
  bt_links_request request = {.ids = &ids[TARGET], .count = 1, .range = store_all_time(), .tenant = tenant};
  check_linkers(&s, &request, ids, to_target, 0);
  request.query = asked_name("linker"); /* of links of other spans nothing is said */
  check_linkers(&s, &request, ids, to_target & ~(1u << OTHER_NAME), 1u << OTHER_NAME);
  request.query = (bt_query){0};
  read_copy target = ask_trace(s.source, tenant, &ids[TARGET], NULL);
  const bt_trace *known = &target.trace;
  request.traces = &known; /* nor of links to spans that it has not */
  check_linkers(&s, &request, ids, to_spans, 1u << OTHER_SPAN);
  read_copy_dispose(&target);
  request.traces = NULL;
  request.ids = &ids[OWN];
  check_linkers(&s, &request, ids, 1u << OWN, 0);
  request.ids = ids;
  request.count = 2;
  check_linkers(&s, &request, ids, to_target | 1u << OWN, 0);
  request.ids = &nobody;
  request.count = 1;
  check_linkers(&s, &request, ids, 0, 0);
  request.ids = &ids[TARGET]; /* the range is that of who links */
  request.range = (bt_time_range){base_ns + LAST_LINK * second_ns, base_ns + LAST_LINK * second_ns + 2000000};
  check_linkers(&s, &request, ids, 1u << LAST_LINK, scene.kind->grain_ns ? to_target : 0);
  store_end(&s);
}
