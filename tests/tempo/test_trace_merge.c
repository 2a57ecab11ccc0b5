/* Rows of several answers joined into traces: groups of a projection, slices, copies, halves of one span id. Rows are
 * fed as a decoder would. Runs a second time with every allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tempo/api/traceql.h"
#include "tempo/api/trace_merge.h"
#include "tests/support/failing_alloc.h"

enum { FIELDS_MAX = 8, CAP_BYTES = 1 << 20 };

/* Initialisers of a bt_attribute. */
#define TEXT(k, v)                                                                                                     \
  {                                                                                                                    \
    {(k), sizeof(k) - 1}, {                                                                                            \
      .type = BT_VALUE_STRING, .string = {(v), sizeof(v) - 1 }                                                         \
    }                                                                                                                  \
  }
#define WHOLE(k, v)                                                                                                    \
  {                                                                                                                    \
    {(k), sizeof(k) - 1}, {                                                                                            \
      .type = BT_VALUE_INT, .integer = (v)                                                                             \
    }                                                                                                                  \
  }

static const bt_trace_id ids[2] = {{{0, 1}}, {{7, 7}}};

typedef struct row {
  size_t trace;
  uint8_t span;
  const char *name; /* NULL: as in groups after the first */
  bt_attribute fields[FIELDS_MAX];
  uint32_t matched;
} row;

static bt_status feed_to(bt_search_row_sink sink, bt_trace_merge *merge, uint32_t group, const row *from,
                         bt_error *error) {
  bt_merge_part part = {merge, group};
  uint32_t count = 0;
  while (count < FIELDS_MAX && from->fields[count].key.ptr) count++;
  bt_search_span span = {.id = {{0, from->span}},
                         .name = bt_str_from(from->name),
                         .start_ns = 1000,
                         .duration_ns = 5,
                         .attributes = {from->fields, count}};
  bt_search_row head = {.id = ids[from->trace]};
  bt_status status = sink(&part, &head, error);
  if (status != BT_OK) return status;
  head.span = &span;
  head.matched = from->matched ? from->matched : 1;
  return sink(&part, &head, error);
}

static bt_status feed(bt_trace_merge *merge, uint32_t group, const row *from, bt_error *error) {
  return feed_to(bt_trace_merge_row, merge, group, from, error);
}

static bt_projected wanted[] = {{BT_PROJECTED_SPAN, {"n", 1}},
                                {BT_PROJECTED_RESOURCE, {"n", 1}},
                                {BT_PROJECTED_SPAN, {"status", 6}},
                                {BT_PROJECTED_RESOURCE, {"zone", 4}},
                                {BT_PROJECTED_EITHER, {"any", 3}}};
static const bt_projection projection = {.attributes = wanted, .attribute_count = 5, .status_message = true};

static const row client_half = {0,
                                1,
                                "call",
                                {TEXT("kind", "client"), TEXT("status", "error"),
                                 TEXT("span:parentID", "0000000000000000"), TEXT("statusMessage", "why"),
                                 TEXT("service.name", "shop"), WHOLE("n", 5), TEXT("zone", "eu"), WHOLE("any", 9)},
                                0};
static const row server_half = {0,
                                1,
                                "serve",
                                {TEXT("kind", "server"), TEXT("status", "ok"), TEXT("span:parentID", "1000000000000"),
                                 TEXT("statusMessage", ""), TEXT("service.name", "bank")},
                                0};
static const row client_more = {0, 1, NULL, {TEXT("kind", "client"), WHOLE("status", 200), WHOLE("n", 6)}, 0};
static const row server_more = {0, 1, NULL, {TEXT("kind", "server")}, 0};

static bt_status merge_pair(bt_trace_merge *merge, bt_error *error) {
  const row *const first[] = {&server_half, &client_half, &server_half};
  const row *const second[] = {&client_more, &server_more, &client_more};
  bt_status status = BT_OK;
  for (size_t i = 0; i < 3 && status == BT_OK; i++) status = feed(merge, 0, first[i], error);
  for (size_t i = 0; i < 3 && status == BT_OK; i++) status = feed(merge, 1, second[i], error);
  return status;
}

static const bt_value *value_of(const bt_attributes *attributes, const char *key) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, bt_str_from(key))) return &attributes->items[i].value;
  return NULL;
}

static void expect_pair(const bt_trace *trace) {
  assert_int_equal(trace->span_count, 2);
  assert_false(trace->differing_copies);
  const bt_span *server = &trace->spans[0], *client = &trace->spans[1];
  assert_true(bt_str_equal(client->name, BT_STR("call")) && bt_str_equal(server->name, BT_STR("serve")));
  assert_true(client->kind == BT_KIND_CLIENT && server->kind == BT_KIND_SERVER);
  assert_true(client->status == BT_SPAN_STATUS_ERROR && server->status == BT_SPAN_STATUS_OK);
  assert_true(bt_str_equal(client->status_message, BT_STR("why")));
  assert_true(bt_span_id_is_zero(&client->parent_id));
  assert_int_equal(server->parent_id.bytes[1], 1);
  assert_true(client->start_ns == 1000 && client->end_ns == 1005);
  assert_true(bt_str_equal(client->resource->service, BT_STR("shop")) &&
              bt_str_equal(server->resource->service, BT_STR("bank")));
  assert_int_equal(value_of(&client->attributes, "n")->integer, 5);
  assert_int_equal(value_of(&client->resource->attributes, "n")->integer, 6);
  assert_int_equal(value_of(&client->attributes, "status")->integer, 200);
  assert_int_equal(value_of(&client->attributes, "any")->integer, 9);
  assert_true(bt_str_equal(value_of(&client->resource->attributes, "zone")->string, BT_STR("eu")));
  assert_null(value_of(&client->attributes, "kind"));
  assert_null(value_of(&server->attributes, "n"));
}

static bt_trace_merge *new_merge(size_t cap_bytes) {
  bt_trace_merge *merge = NULL;
  bt_error error;
  assert_int_equal(bt_trace_merge_new(ids, 2, &projection, false, cap_bytes, &merge, &error), BT_OK);
  return merge;
}

static void joins_groups_and_copies(void **state) {
  (void)state;
  assert_int_equal(bt_projection_groups(&projection), 2);
  bt_trace_merge *merge = new_merge(CAP_BYTES);
  bt_error error;
  bt_trace storage;
  const bt_trace *trace;
  bool needs_by_id;
  assert_int_equal(merge_pair(merge, &error), BT_OK);
  assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
  assert_false(needs_by_id);
  expect_pair(trace);
  assert_int_equal(bt_trace_merge_take(merge, 1, &storage, &trace, &needs_by_id, &error), BT_OK);
  assert_null(trace);
  assert_false(needs_by_id);
  bt_trace_merge_free(merge);
}

/* Each of these after the pair: the trace then needs a read by id. */
static void doubts(void **state) {
  (void)state;
  static const struct {
    uint32_t group;
    row row;
  } table[] = {
      {0,
       {0,
        2,
        "only in group 0",
        {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("span:parentID", "1"), TEXT("statusMessage", "")},
        0}},
      {1, {0, 2, NULL, {TEXT("kind", "client")}, 0}},
      {1, {0, 1, NULL, {WHOLE("n", 1)}, 0}},
      {1, {0, 1, NULL, {TEXT("kind", "client"), TEXT("kind", "server")}, 0}},
      {0,
       {0,
        1,
        "call",
        {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("status", "error"), TEXT("span:parentID", "1")},
        0}},
      {0,
       {0,
        1,
        "call",
        {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("span:parentID", "no hex"), TEXT("statusMessage", "")},
        0}},
      {0,
       {0,
        1,
        "",
        {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("span:parentID", "1"), TEXT("statusMessage", "")},
        0}},
      {1, {0, 1, NULL, {TEXT("kind", "client")}, 4}},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    bt_trace_merge *merge = new_merge(CAP_BYTES);
    bt_error error;
    bt_trace storage;
    const bt_trace *trace;
    bool needs_by_id;
    assert_int_equal(merge_pair(merge, &error), BT_OK);
    assert_int_equal(feed(merge, table[i].group, &table[i].row, &error), BT_OK);
    assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
    if (!needs_by_id) fail_msg("row %zu was taken as certain", i);
    bt_trace_merge_free(merge);
  }
}

/* Whether a span of which group 1 gives this needs a read by id, in the answer to a filter or to ids. */
static bool is_doubted(const bt_projection *of, const row *second, bool some_spans) {
  static const row first = {0,
                            2,
                            "call",
                            {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("span:parentID", "1"),
                             TEXT("statusMessage", ""), TEXT("service.name", "shop")},
                            0};
  bt_trace_merge *merge;
  bt_error error;
  bt_trace storage;
  const bt_trace *trace;
  bool needs_by_id;
  assert_int_equal(bt_trace_merge_new(ids, 2, of, some_spans, CAP_BYTES, &merge, &error), BT_OK);
  assert_int_equal(feed(merge, 0, &first, &error), BT_OK);
  assert_int_equal(feed(merge, 1, second, &error), BT_OK);
  assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
  bt_trace_merge_free(merge);
  return needs_by_id;
}

/* What the filter tests comes under its own name, where an attribute of that name would be. */
static void fields_of_a_filter_are_no_attributes(void **state) {
  (void)state;
  static const struct {
    bt_projected attribute;
    row row;
    bool doubted;
  } table[] = {
      {{BT_PROJECTED_EITHER, {"status", 6}}, {0, 2, NULL, {TEXT("kind", "client"), TEXT("status", "error")}, 0}, true},
      {{BT_PROJECTED_SPAN, {"status", 6}}, {0, 2, NULL, {TEXT("kind", "client"), WHOLE("status", 200)}, 0}, true},
      {{BT_PROJECTED_RESOURCE, {"status", 6}}, {0, 2, NULL, {TEXT("kind", "client"), TEXT("status", "ok")}, 0}, true},
      {{BT_PROJECTED_SPAN, {"service.name", 12}},
       {0, 2, NULL, {TEXT("kind", "client"), TEXT("service.name", "shop")}, 0},
       true},
      {{BT_PROJECTED_SPAN, {"status", 6}}, {0, 2, NULL, {TEXT("kind", "client")}, 0}, false}, /* neither is there */
      {{BT_PROJECTED_SPAN, {"kind", 4}}, {0, 2, NULL, {TEXT("kind", "client"), TEXT("kind", "mine")}, 0}, false},
      {{BT_PROJECTED_SPAN, {"kind", 4}}, {0, 2, NULL, {TEXT("kind", "client"), TEXT("kind", "server")}, 0}, true},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    bt_projected attribute = table[i].attribute;
    bt_projection one = {
        .attributes = &attribute, .attribute_count = 1, .status_message = true, .status = true, .parent = true};
    assert_int_equal(bt_projection_groups(&one), 2);
    if (is_doubted(&one, &table[i].row, true) != table[i].doubted) fail_msg("row %zu", i);
    bool is_two = i == sizeof table / sizeof table[0] - 1;
    if (is_doubted(&one, &table[i].row, false) != is_two) fail_msg("row %zu of an answer to ids", i);
  }
}

static void expect_doubt(const row *first) {
  bt_trace_merge *merge = new_merge(CAP_BYTES);
  bt_error error;
  bt_trace storage;
  const bt_trace *trace;
  bool needs_by_id;
  assert_int_equal(feed(merge, 0, first, &error), BT_OK);
  assert_int_equal(feed(merge, 1, &client_more, &error), BT_OK);
  assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
  assert_true(needs_by_id);
  bt_trace_merge_free(merge);
}

/* The pair, of which the client half has "nil" under `any`; `more`, if any, answers the question whether it is there.
 */
static bt_trace_merge *merge_nil(const row *more, bool settles) {
  row nil = client_half;
  nil.fields[7] = (bt_attribute)TEXT("any", "nil");
  bt_trace_merge *merge = new_merge(CAP_BYTES);
  bt_error error;
  assert_int_equal(feed(merge, 0, &server_half, &error), BT_OK);
  assert_int_equal(feed(merge, 0, &nil, &error), BT_OK);
  assert_int_equal(feed(merge, 1, &client_more, &error), BT_OK);
  assert_int_equal(feed(merge, 1, &server_more, &error), BT_OK);
  assert_true(bt_trace_merge_doubts(merge, 0) && !bt_trace_merge_doubts(merge, 1));
  if (more) assert_int_equal(feed_to(bt_trace_merge_doubted_row, merge, 0, more, &error), BT_OK);
  if (settles) bt_trace_merge_settle(merge, 0);
  return merge;
}

static const bt_trace *take_nil(bt_trace_merge *merge, bt_trace *storage, bool *needs_by_id) {
  bt_error error;
  const bt_trace *trace;
  assert_int_equal(bt_trace_merge_take(merge, 0, storage, &trace, needs_by_id, &error), BT_OK);
  return trace;
}

/* Tempo makes it up for what is missing: what the second question does not show is not there, and all else is. */
static void takes_no_nil_that_is_not_there(void **state) {
  (void)state;
  static const row others[] = {{0, 1, NULL, {TEXT("kind", "server"), TEXT("any", "nil")}, 0}, /* another span */
                               {0, 1, NULL, {TEXT("kind", "client"), WHOLE("n", 5)}, 0}};     /* another key */
  bt_trace storage;
  bool needs_by_id;
  for (size_t i = 0; i < 3; i++) {
    bt_trace_merge *merge = merge_nil(i < 2 ? &others[i] : NULL, true);
    const bt_span *client = &take_nil(merge, &storage, &needs_by_id)->spans[1];
    assert_false(needs_by_id);
    assert_null(value_of(&client->attributes, "any"));
    assert_int_equal(value_of(&client->attributes, "n")->integer, 5);
    assert_true(bt_str_equal(value_of(&client->resource->attributes, "zone")->string, BT_STR("eu")));
    bt_trace_merge_free(merge);
  }
}

static void reads_what_may_be_nil_by_id(void **state) {
  (void)state;
  static const row there[] = {{0, 1, NULL, {TEXT("kind", "client"), TEXT("any", "nil")}, 0}, /* really */
                              {0, 1, NULL, {TEXT("kind", "client"), TEXT("any", "teapot")}, 0},
                              {0, 1, NULL, {TEXT("kind", "client"), WHOLE("any", 5)}, 0},
                              {0, 1, NULL, {WHOLE("any", 5)}, 0},         /* of which half? */
                              {0, 1, NULL, {TEXT("kind", "server")}, 4}}; /* not all of it was shown */
  bt_trace storage;
  bool needs_by_id;
  for (size_t i = 0; i <= sizeof there / sizeof there[0]; i++) {
    bool is_asked = i < sizeof there / sizeof there[0];
    bt_trace_merge *merge = merge_nil(is_asked ? &there[i] : NULL, is_asked); /* the last: never answered */
    (void)take_nil(merge, &storage, &needs_by_id);
    if (!needs_by_id) fail_msg("row %zu was taken as certain", i);
    bt_trace_merge_free(merge);
  }
}

/* Of a span and of its resource, in either order: that is no sign of a further record. */
static void doubts_two_values_under_one_key(void **state) {
  (void)state;
  row twice = client_half;
  twice.fields[5] = (bt_attribute)WHOLE("any", 5);
  expect_doubt(&twice);
  row turned = twice;
  turned.fields[5] = twice.fields[7];
  turned.fields[7] = twice.fields[5];
  bt_trace_merge *merge = new_merge(CAP_BYTES);
  bt_error error;
  bt_trace storage;
  const bt_trace *trace;
  bool needs_by_id;
  assert_int_equal(feed(merge, 0, &twice, &error), BT_OK);
  assert_int_equal(feed(merge, 0, &turned, &error), BT_OK);
  assert_int_equal(feed(merge, 1, &client_more, &error), BT_OK);
  assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
  assert_true(needs_by_id && !trace->differing_copies);
  bt_trace_merge_free(merge);
}

/* Tempo shows an empty one where there is none, and where it is a number: the same, unless a rule reads the attribute.
 */
static void doubts_an_empty_service_name(void **state) {
  (void)state;
  static const bt_attribute fields[] = {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("span:parentID", "0"),
                                        TEXT("service.name", "")};
  static const bt_projected_scope scopes[] = {BT_PROJECTED_RESOURCE, BT_PROJECTED_EITHER, BT_PROJECTED_SPAN};
  for (size_t i = 0; i < 4; i++) {
    bt_projected service = {scopes[i % 3], BT_STR("service.name")};
    bt_projection own = {.attributes = &service, .attribute_count = i < 3};
    bt_trace_merge *merge = NULL;
    bt_error error;
    bt_trace storage;
    const bt_trace *trace;
    bool needs_by_id;
    assert_int_equal(bt_trace_merge_new(ids, 2, &own, false, CAP_BYTES, &merge, &error), BT_OK);
    bt_search_span span = {.id = {{1}}, .name = BT_STR("s"), .attributes = {fields, 4}};
    for (uint32_t group = 0; group < bt_projection_groups(&own); group++) {
      bt_merge_part part = {merge, group};
      bt_search_row said = {.id = ids[0], .span = &span, .matched = 1};
      assert_int_equal(bt_trace_merge_row(&part, &said, &error), BT_OK);
    }
    assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
    assert_int_equal(needs_by_id, i < 2);
    if (i == 3) assert_null(trace->spans[0].resource->service.ptr);
    bt_trace_merge_free(merge);
  }
}

/* Of the first group alone, which says the service. */
static const bt_projection one_group = {.attributes = &wanted[3], .attribute_count = 1, .status_message = true};

static row other_record(const char *name, const char *service, const char *zone) {
  row made = {
      0, 1, name, {TEXT("kind", "client"), TEXT("status", "error"), TEXT("span:parentID", "0000000000000000")}, 0};
  made.fields[3] = (bt_attribute)TEXT("statusMessage", "why");
  made.fields[4] = (bt_attribute){BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = bt_str_from(service)}};
  made.fields[5] = (bt_attribute){BT_STR("zone"), {.type = BT_VALUE_STRING, .string = bt_str_from(zone)}};
  return made;
}

static const bt_trace *merge_records(bt_trace_merge **merge, const bt_projection *of, const row *first,
                                     const row *second, bt_trace *storage, bool *needs_by_id) {
  bt_error error;
  const bt_trace *trace = NULL;
  const row *const rows[] = {first, second, first, second};
  assert_int_equal(bt_trace_merge_new(ids, 2, of, false, CAP_BYTES, merge, &error), BT_OK);
  for (size_t i = 0; i < 4; i++) assert_int_equal(feed(*merge, 0, rows[i], &error), BT_OK);
  assert_int_equal(bt_trace_merge_take(*merge, 0, storage, &trace, needs_by_id, &error), BT_OK);
  return trace;
}

static void two_services_with_one_id_are_two_spans(void **state) {
  (void)state;
  row first = other_record("call", "shop", "eu"), second = other_record("call", "bank", "eu");
  bt_trace_merge *merge;
  bt_trace storage;
  bool needs_by_id;
  const bt_trace *trace = merge_records(&merge, &one_group, &first, &second, &storage, &needs_by_id);
  assert_false(needs_by_id || trace->differing_copies);
  assert_int_equal(trace->span_count, 2);
  assert_true(bt_str_equal(trace->spans[0].resource->service, BT_STR("bank")) &&
              bt_str_equal(trace->spans[1].resource->service, BT_STR("shop")));
  bt_trace_merge_free(merge);
}

static void copies_that_differ_may_each_be_right(void **state) {
  (void)state;
  row first = other_record("call", "shop", "eu");
  row others[] = {other_record("another name", "shop", "eu"), other_record("call", "shop", "us")};
  for (size_t i = 0; i < 2; i++) {
    bt_trace_merge *merge;
    bt_trace storage;
    bool needs_by_id;
    const bt_trace *trace = merge_records(&merge, &one_group, &first, &others[i], &storage, &needs_by_id);
    assert_true(trace->differing_copies && !needs_by_id);
    assert_int_equal(trace->span_count, 1);
    assert_non_null(trace->spans[0].other);
    assert_null(trace->spans[0].other->other);
    bt_trace_merge_free(merge);
  }
}

/* Two rows of one set are two records, of services maybe. */
static void equal_records_without_a_service_are_read_by_id(void **state) {
  (void)state;
  for (uint32_t matched = 1; matched < 3; matched++) {
    row half = {0, 1, "call", {TEXT("kind", "client"), TEXT("zone", "eu")}, matched};
    bt_projection own = {.attributes = &wanted[3], .attribute_count = 1};
    bt_trace_merge *merge;
    bt_error error;
    bt_trace storage;
    const bt_trace *trace;
    bool needs_by_id;
    assert_int_equal(bt_trace_merge_new(ids, 2, &own, true, CAP_BYTES, &merge, &error), BT_OK);
    for (size_t i = 0; i < 2; i++) assert_int_equal(feed(merge, 0, &half, &error), BT_OK);
    assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
    assert_int_equal(needs_by_id, matched > 1);
    bt_trace_merge_free(merge);
  }
}

/* Only the first says whose attributes they are. */
static void records_over_several_groups_are_read_by_id(void **state) {
  (void)state;
  row others[] = {client_half, client_half, client_half};
  others[0].name = "another name";
  others[1].fields[4] = (bt_attribute)TEXT("service.name", "bank");
  others[2].fields[6] = (bt_attribute)TEXT("zone", "us");
  row more = client_more;
  more.fields[2] = (bt_attribute)WHOLE("n", 7);
  for (size_t i = 0; i < 4; i++) {
    bt_trace_merge *merge = new_merge(CAP_BYTES);
    bt_error error;
    bt_trace storage;
    const bt_trace *trace;
    bool needs_by_id;
    assert_int_equal(merge_pair(merge, &error), BT_OK);
    assert_int_equal(feed(merge, i < 3 ? 0 : 1, i < 3 ? &others[i] : &more, &error), BT_OK);
    assert_int_equal(bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error), BT_OK);
    assert_true(needs_by_id);
    bt_trace_merge_free(merge);
  }
}

static void keeps_to_its_cap(void **state) {
  (void)state;
  bt_trace_merge *merge = new_merge(300);
  bt_error error;
  assert_int_equal(merge_pair(merge, &error), BT_LIMIT);
  bt_trace_merge_free(merge);
}

static void grows_for_many_spans(void **state) {
  (void)state;
  bt_projection plain = {0};
  bt_trace_merge *merge = NULL;
  bt_error error;
  bt_trace storage;
  const bt_trace *trace;
  bool needs_by_id;
  enum { MANY = 3000 };
  assert_int_equal(bt_trace_merge_new(ids, 2, &plain, false, (size_t)64 << 20, &merge, &error), BT_OK);
  bt_merge_part part = {merge, 0};
  const bt_attribute fields[] = {TEXT("kind", "client"), TEXT("status", "ok"), TEXT("span:parentID", "0")};
  for (int round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < MANY; i++) {
      bt_search_span span = {
          .id = {{1, (uint8_t)(i >> 8), (uint8_t)i}}, .name = BT_STR("s"), .attributes = {fields, 3}};
      bt_search_row one = {.id = ids[i % 2], .span = &span, .matched = 1};
      assert_int_equal(bt_trace_merge_row(&part, &one, &error), BT_OK);
    }
  }
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(bt_trace_merge_take(merge, i, &storage, &trace, &needs_by_id, &error), BT_OK);
    assert_false(needs_by_id);
    assert_int_equal(trace->span_count, MANY / 2);
  }
  bt_trace_merge_free(merge);
}

/* The whole way; out of memory is a status at every place. */
static bt_status merge_once(void) {
  bt_trace_merge *merge = NULL;
  bt_error error;
  bt_trace storage;
  const bt_trace *trace;
  bool needs_by_id;
  bt_status status = bt_trace_merge_new(ids, 2, &projection, false, CAP_BYTES, &merge, &error);
  if (status == BT_OK) status = merge_pair(merge, &error);
  if (status == BT_OK) status = bt_trace_merge_take(merge, 0, &storage, &trace, &needs_by_id, &error);
  bt_trace_merge_free(merge);
  return status;
}

static void survives_failing_allocations(void **state) {
  (void)state;
  size_t n = 0;
  for (bool refused = true; refused; n++) {
    failing_alloc_after(n);
    bt_status status = merge_once();
    refused = failing_alloc_stop();
    if (refused)
      assert_true(status == BT_NO_MEMORY || status == BT_LIMIT);
    else
      assert_int_equal(status, BT_OK);
  }
  assert_true(n > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(joins_groups_and_copies),
                                     cmocka_unit_test(fields_of_a_filter_are_no_attributes),
                                     cmocka_unit_test(doubts),
                                     cmocka_unit_test(takes_no_nil_that_is_not_there),
                                     cmocka_unit_test(reads_what_may_be_nil_by_id),
                                     cmocka_unit_test(doubts_two_values_under_one_key),
                                     cmocka_unit_test(doubts_an_empty_service_name),
                                     cmocka_unit_test(two_services_with_one_id_are_two_spans),
                                     cmocka_unit_test(copies_that_differ_may_each_be_right),
                                     cmocka_unit_test(equal_records_without_a_service_are_read_by_id),
                                     cmocka_unit_test(records_over_several_groups_are_read_by_id),
                                     cmocka_unit_test(keeps_to_its_cap),
                                     cmocka_unit_test(grows_for_many_spans),
                                     cmocka_unit_test(survives_failing_allocations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
