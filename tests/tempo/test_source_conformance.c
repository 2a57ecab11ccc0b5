/* What every trace source has to do, whatever it is made of: test_source_conformance files|memory|tempo. The same spans
 * are given to each in the way that it takes them; tempo reads TEMPO_URL and OTLP_URL (with_tempo.py --multitenant). A
 * source that keeps tenants apart says so in its row, as one does whose search counts in seconds or that never shows
 * BeTrace's own traces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tempo/api/tempo_source.h"
#include "tempo/files/file_source.h"
#include "tempo/files/memory_source.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/tags.h"

enum { TRACES = 40, POLLS = 600, ROUND_S = 10 };
static const int64_t second_ns = 1000000000;
static const char tenant_a[] = "conformance-a", tenant_b[] = "conformance-b";

typedef struct kind {
  const char *name;
  bt_status (*open)(bt_source **out, bt_error *error);
  void (*push)(const char *tenant, const bt_export_resource *resource);
  bool has_tenants, keeps_own; /* keeps_own: a read with_own gives BeTrace's own traces */
  bool hides_own_tags;         /* their names are not among the tags */
  int64_t grain_ns;            /* search may find what lies that far beyond the range */
} kind;

typedef struct fixture {
  const kind *kind;
  bt_source *source;
  bt_http_client *client; /* of tempo */
  bt_trace_id ids[TRACES], own_id, foreign_id;
  int64_t base_ns; /* a whole second; trace i starts i rounds later */
  char files[8][64];
  size_t file_count;
} fixture;

static fixture f;

/* ---- the three kinds ---- */

static bt_status open_memory(bt_source **out, bt_error *error) {
  return bt_memory_source_new(0, out, error);
}

static void encode(const bt_export_resource *resource, bt_buffer *out) {
  bt_error error = {0};
  if (bt_otlp_encode(resource, 1, out, &error) != BT_OK) fail_msg("encode: %s", error.message);
}

static void push_to_memory(const char *tenant, const bt_export_resource *resource) {
  bt_buffer bytes = {0};
  bt_error error = {0};
  uint64_t count = 0;
  encode(resource, &bytes);
  bt_status status = bt_memory_source_add_otlp(f.source, tenant, bt_buffer_str(&bytes), false, &count, &error);
  if (status != BT_OK) fail_msg("push: %s", error.message);
  assert_int_equal(count, resource->span_count);
  bt_buffer_dispose(&bytes);
}

/* Each push is a file of its own, so that traces lie in several. */
static void push_to_file(const char *tenant, const bt_export_resource *resource) {
  (void)tenant;
  bt_buffer bytes = {0};
  encode(resource, &bytes);
  char *path = f.files[f.file_count++];
  snprintf(path, sizeof f.files[0], P_tmpdir "/betrace-conformance-XXXXXX");
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, bytes.ptr, bytes.len), bytes.len);
  close(descriptor);
  bt_buffer_dispose(&bytes);
}

static bt_status open_files(bt_source **out, bt_error *error) {
  const char *paths[8];
  for (size_t i = 0; i < f.file_count; i++) paths[i] = f.files[i];
  bt_status status = bt_file_source_open(paths, f.file_count, 0, out, error);
  for (size_t i = 0; i < f.file_count; i++) unlink(paths[i]);
  return status;
}

static bt_status open_tempo(bt_source **out, bt_error *error) {
  bt_tempo_options options = {.url = getenv("TEMPO_URL"), .search_limit = 7}; /* small, so that windows split */
  return bt_tempo_source_new(f.client, &options, out, error);
}

static void push_to_tempo(const char *tenant, const bt_export_resource *resource) {
  bt_exporter_options options = {.url = getenv("OTLP_URL"), .tenant = tenant};
  bt_export_result result = {0};
  bt_error error = {0};
  if (bt_otlp_export(f.client, &options, resource, 1, NULL, &result, &error) != BT_OK) fail_msg("%s", error.message);
  assert_int_equal(result.accepted, resource->span_count);
}

static const kind kinds[] = {
    {"files", open_files, push_to_file, false, false, true, 0},
    {"memory", open_memory, push_to_memory, true, true, true, 0},
    {"tempo", open_tempo, push_to_tempo, true, true, false, 1000000000},
};

/* ---- the spans ---- */

static bool digest_by_sum(const bt_str *fields, size_t count, uint8_t digest[32]) {
  uint64_t sum = 7;
  for (size_t i = 0; i < count; i++) sum = sum * 1000003 + bt_str_hash(fields[i]);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)((sum = sum * 6364136223846793005u + 1442695040888963407u) >> 56);
  return true;
}

static bt_trace_id random_id(uint64_t *state, bool leads_with_zeros) {
  bt_trace_id id;
  for (size_t b = 0; b < sizeof id.bytes; b++) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    id.bytes[b] = (uint8_t)(*state >> 56);
  }
  if (leads_with_zeros) id.bytes[0] = id.bytes[1] = 0;
  id.bytes[15] |= 1;
  return id;
}

static bt_span_id span_id(uint8_t number) {
  return (bt_span_id){{0xA0, 0, 0, 0, 0, 0, 0, number}};
}

static int64_t start_of(size_t trace) {
  return f.base_ns + (int64_t)trace * ROUND_S * second_ns;
}

static const int64_t root_ns = 2000000000, child_at_ns = 500000000, child_ns = 3000000000; /* the child ends last */

static int64_t end_of(size_t trace) {
  return start_of(trace) + child_at_ns + child_ns;
}

static void push(const char *tenant, const char *service, const bt_export_span *spans, size_t count) {
  bt_attribute name = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = bt_str_from(service)}};
  bt_export_resource resource = {
      .attributes = &name, .attribute_count = 1, .scope_name = BT_STR("tests"), .spans = spans, .span_count = count};
  f.kind->push(tenant, &resource);
}

/* Every child has links to traces that nobody has and, last, to the trace of half its number; the id of number 0 has a
 * first byte of zero. */
static size_t linked_from(size_t trace) {
  return trace / 2;
}

static void make_links(size_t trace, bt_link links[3]) {
  memset(links, 0, 3 * sizeof *links);
  memset(links[0].trace_id.bytes, 0xC0, sizeof links[0].trace_id.bytes);
  links[1].trace_id = f.foreign_id;
  links[2].trace_id = f.ids[linked_from(trace)];
  for (uint8_t i = 0; i < 3; i++) links[i].span_id = span_id(i + 1);
}

/* Roots in one push and children in another: a source has to put them together. */
static void push_traces(const char *tenant) {
  static bt_attribute amounts[TRACES];
  static bt_link links[TRACES][3];
  bt_export_span roots[TRACES], children[TRACES];
  for (size_t i = 0; i < TRACES; i++) {
    amounts[i] = (bt_attribute){BT_STR("amount"), {.type = BT_VALUE_INT, .integer = (int64_t)i}};
    make_links(i, links[i]);
    roots[i] = (bt_export_span){.trace_id = f.ids[i],
                                .span_id = span_id(1),
                                .name = BT_STR("checkout"),
                                .kind = BT_KIND_SERVER,
                                .start_ns = start_of(i),
                                .end_ns = start_of(i) + root_ns};
    children[i] = (bt_export_span){.trace_id = f.ids[i],
                                   .span_id = span_id(2),
                                   .parent_id = span_id(1),
                                   .name = BT_STR("charge"),
                                   .kind = BT_KIND_CLIENT,
                                   .status = BT_SPAN_STATUS_ERROR,
                                   .start_ns = start_of(i) + child_at_ns,
                                   .end_ns = end_of(i),
                                   .attributes = &amounts[i],
                                   .attribute_count = 1,
                                   .links = links[i],
                                   .link_count = 3};
  }
  push(tenant, "shop", roots, TRACES);
  push(tenant, "pay", children, TRACES);
}

/* A violation span as BeTrace sends it, at the time of trace 0. */
static void push_own(const char *tenant) {
  bt_own_ids ids;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_str name = bt_str_from(f.kind->has_tenants ? tenant : "");
  assert_true(bt_own_violation_ids(name, BT_STR("slow"), BT_STR("c0ffee"), &f.ids[0], &ids));
  bt_trace_id_format(&f.ids[0], hex);
  bt_attribute attributes[] = {{BT_STR(BT_OWN_RULE_ID), {.type = BT_VALUE_STRING, .string = BT_STR("slow")}},
                               {BT_STR(BT_OWN_CONDITION_HASH), {.type = BT_VALUE_STRING, .string = BT_STR("c0ffee")}},
                               {BT_STR(BT_OWN_TRACE_ID), {.type = BT_VALUE_STRING, .string = bt_str_from(hex)}}};
  bt_export_span span = {.trace_id = ids.trace_id,
                         .span_id = ids.span_id,
                         .name = BT_STR(BT_OWN_VIOLATION),
                         .kind = BT_KIND_INTERNAL,
                         .status = BT_SPAN_STATUS_ERROR,
                         .start_ns = start_of(0),
                         .end_ns = start_of(0) + 1000000,
                         .attributes = attributes,
                         .attribute_count = 3};
  f.own_id = ids.trace_id;
  push(tenant, BT_OWN_SERVICE, &span, 1);
}

static void push_foreign(const char *tenant) {
  bt_export_span span = {.trace_id = f.foreign_id,
                         .span_id = span_id(1),
                         .name = BT_STR("checkout"),
                         .kind = BT_KIND_SERVER,
                         .start_ns = start_of(1),
                         .end_ns = start_of(1) + root_ns};
  push(tenant, "shop", &span, 1);
}

/* ---- searching ---- */

static bt_time_range whole(void) {
  return (bt_time_range){start_of(0) - ROUND_S * second_ns, start_of(TRACES) + ROUND_S * second_ns};
}

static bt_search_request search_of(bt_time_range range) {
  return (bt_search_request){.filter = BT_STR("{ name = \"charge\" || name = \"checkout\" }"),
                             .range = range,
                             .tenant = tenant_a,
                             .rule_id = "a rule"};
}

static void search(const bt_search_request *request, bt_found_list *found) {
  bt_source_account account = {0};
  bt_error error = {0};
  if (bt_source_search(f.source, request, found, &account, &error) != BT_OK) fail_msg("search: %s", error.message);
  if (account.failed_count) fail_msg("search: a window failed: %s", account.failed[0].reason);
  bt_source_account_dispose(&account);
}

static bt_status search_status(const bt_search_request *request) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_search(f.source, request, &found, &account, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return status;
}

static size_t count_found(const char *filter, const char *tenant) {
  bt_search_request request = search_of(whole());
  bt_found_list found = {0};
  request.filter = bt_str_from(filter);
  request.tenant = tenant;
  search(&request, &found);
  size_t count = found.count;
  bt_found_list_dispose(&found);
  return count;
}

static void wait_for(const char *filter, const char *tenant, size_t wanted) {
  size_t count = 0;
  for (int poll = 0; poll < POLLS; poll++) {
    count = count_found(filter, tenant);
    if (count == wanted) return;
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  }
  fail_msg("%s of %s finds %zu of %zu", filter, tenant, count, wanted);
}

static void test_finds_every_trace_once(void **state) {
  (void)state;
  bt_search_request request = search_of(whole());
  bt_found_list found = {0};
  search(&request, &found);
  assert_int_equal(found.count, TRACES);
  for (size_t i = 1; i < found.count; i++)
    assert_true(bt_trace_id_compare(&found.items[i - 1].id, &found.items[i].id) < 0);
  for (size_t i = 0; i < TRACES; i++) {
    const bt_found *one = bt_found_list_get(&found, &f.ids[i]);
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
  int64_t grain_ns = f.kind->grain_ns;
  search(&request, &found);
  for (size_t i = 0; i < TRACES; i++) {
    bool is_found = bt_found_list_get(&found, &f.ids[i]) != NULL;
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
  check_range(f.base_ns - 1000 * second_ns, f.base_ns - 900 * second_ns);
}

static void test_limit(void **state) {
  (void)state;
  bt_search_request request = search_of(whole());
  request.max_found = TRACES;
  assert_int_equal(search_status(&request), BT_OK);
  request.max_found = TRACES - 1;
  assert_int_equal(search_status(&request), BT_LIMIT);
  request.max_found = 1;
  assert_int_equal(search_status(&request), BT_LIMIT);
}

static void find_linking(const bt_trace_id *ids, size_t count, bt_time_range range, bt_found_list *found) {
  bt_links_request request = {.ids = ids, .count = count, .range = range, .tenant = tenant_a, .rule_id = "a rule"};
  bt_source_account account = {0};
  bt_error error = {0};
  if (bt_source_find_linking(f.source, &request, found, &account, &error) != BT_OK)
    fail_msg("links: %s", error.message);
  if (account.failed_count) fail_msg("links: a window failed: %s", account.failed[0].reason);
  bt_source_account_dispose(&account);
}

/* Exactly those, unless one of the ids makes a source say more. */
static void check_linking(size_t first, size_t count, bool is_exact) {
  bt_found_list found = {0};
  find_linking(f.ids + first, count, whole(), &found);
  for (size_t i = 0; i < TRACES; i++) {
    bool links = linked_from(i) >= first && linked_from(i) < first + count;
    bool is_found = bt_found_list_get(&found, &f.ids[i]) != NULL;
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
  find_linking(f.ids, 0, whole(), &found);
  find_linking(f.ids, TRACES, (bt_time_range){start_of(5), start_of(5)}, &found);
  find_linking(f.ids, TRACES, (bt_time_range){f.base_ns - 1000 * second_ns, f.base_ns - 900 * second_ns}, &found);
  assert_int_equal(found.count, 0);
  bt_found_list_dispose(&found);
  check_linking(0, TRACES, false);
  check_linking(0, 1, false);
  for (size_t first = 1; first + 1 < TRACES / 2; first += 5) {
    bool is_exact = f.ids[first].bytes[0] && f.ids[first + 1].bytes[0];
    check_linking(first, 2, is_exact);
    check_linking(first, 1, f.ids[first].bytes[0] != 0);
  }
}

/* ---- reading ---- */

typedef struct seen {
  size_t calls[TRACES + 2], found, missing;
  void (*look)(const bt_read_trace *read);
  size_t stop_after; /* 0: never */
} seen;

static bt_status see(void *context, const bt_read_trace *read, bt_error *error) {
  seen *s = context;
  assert_true(read->index < TRACES + 2);
  assert_false(read->needs_by_id);
  s->calls[read->index]++;
  if (!read->trace)
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
  bt_status status = bt_source_read(f.source, request, see, s, &account, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  bt_source_account_dispose(&account);
  return status;
}

static void look_at_checkout(const bt_read_trace *read) {
  const bt_trace *trace = read->trace;
  assert_memory_equal(trace->id.bytes, f.ids[read->index].bytes, sizeof trace->id.bytes);
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
  assert_int_equal(child->attributes.items[0].value.type, BT_VALUE_INT);
  assert_int_equal(child->attributes.items[0].value.integer, read->index);
}

static void check_reads(bool by_id) {
  bt_trace_id ids[TRACES + 1];
  memcpy(ids, f.ids, sizeof f.ids);
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
  bt_read_request request = read_of(f.ids, 0, true);
  assert_int_equal(read_status(&request, &s), BT_OK);
  assert_int_equal(s.found + s.missing, 0);
}

static void test_the_sink_stops_a_read(void **state) {
  (void)state;
  for (int by_id = 0; by_id < 2; by_id++) {
    seen s = {.stop_after = 3};
    bt_read_request request = read_of(f.ids, TRACES, by_id);
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
    bt_read_request read = read_of(f.ids, TRACES, by_id);
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
    bt_read_request request = read_of(&f.own_id, 1, by_id);
    request.projection = &own_projection;
    assert_int_equal(read_status(&request, &hidden), BT_OK);
    assert_int_equal(hidden.missing, 1);
    request.with_own = true;
    assert_int_equal(read_status(&request, &shown), BT_OK);
    assert_int_equal(shown.found, f.kind->keeps_own ? 1 : 0);
  }
}

static size_t read_foreign(const char *tenant, bool by_id) {
  seen s = {0};
  bt_read_request request = read_of(&f.foreign_id, 1, by_id);
  request.tenant = tenant;
  assert_int_equal(read_status(&request, &s), BT_OK);
  assert_int_equal(s.found + s.missing, 1);
  return s.found;
}

static void test_tenants(void **state) {
  (void)state;
  if (!f.kind->has_tenants) { /* whose traces they are is not in a file */
    assert_int_equal(count_found("{ }", tenant_b), TRACES);
    return;
  }
  assert_int_equal(count_found("{ name = \"checkout\" }", tenant_b), 1);
  assert_int_equal(count_found("{ name = \"checkout\" }", "conformance-a|conformance-b"), TRACES + 1);
  assert_int_equal(count_found("{ name = \"checkout\" }", "conformance-c"), 0);
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
  bt_status status = is_names ? bt_source_tag_names(f.source, &request, &list, &error)
                              : bt_source_tag_values(f.source, &request, &list, &error);
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
             f.kind->keeps_own && !f.kind->hides_own_tags ? "betrace:2 pay:2 " : "pay:2 shop:2 ",
             f.kind->keeps_own && !f.kind->hides_own_tags);
  bt_tag_request wrong = {.scope = BT_TAG_SPAN, .range = whole(), .limit = BT_TAGS_LIMIT_MAX + 1, .tenant = tenant_a};
  bt_tag_list list = {0};
  assert_int_equal(bt_source_tag_names(f.source, &wrong, &list, &error), BT_INVALID);
  wrong.limit = 0;
  assert_int_equal(bt_source_tag_values(f.source, &wrong, &list, &error), BT_INVALID); /* no key */
  wrong.scope = BT_TAG_SPAN_NAME;
  assert_int_equal(bt_source_tag_names(f.source, &wrong, &list, &error), BT_INVALID); /* no scope with keys */
  bt_cancel cancel;
  atomic_init(&cancel.requested, true);
  wrong.cancel = &cancel;
  assert_int_equal(bt_source_tag_values(f.source, &wrong, &list, &error), BT_CANCELLED);
  bt_tag_list_dispose(&list);
}

static void test_check(void **state) {
  (void)state;
  bt_error error = {0};
  assert_int_equal(bt_source_check(f.source, NULL, &error), BT_OK);
  assert_string_equal(f.source->name, f.kind->name);
}

/* ---- set up ---- */

static void open_source(void) {
  bt_error error = {0};
  if (f.kind->open(&f.source, &error) != BT_OK) fail_msg("open: %s", error.message);
}

/* Files are read when they are opened, the others are pushed to. */
static int set_up(void **state) {
  (void)state;
  bt_error error = {0};
  bool is_files = strcmp(f.kind->name, "files") == 0;
  if (bt_http_client_new(NULL, &f.client, &error) != BT_OK) return -1;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  f.base_ns = ((int64_t)now.tv_sec - TRACES * ROUND_S - 60) * second_ns;
  uint64_t seed = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec;
  for (size_t i = 0; i < TRACES; i++) f.ids[i] = random_id(&seed, i % 8 == 0);
  f.foreign_id = random_id(&seed, true);
  bt_own_trace_use(digest_by_sum);
  if (!is_files) open_source();
  push_traces(tenant_a);
  push_own(tenant_a);
  if (f.kind->has_tenants) push_foreign(tenant_b);
  if (is_files) open_source();
  wait_for("{ name = \"charge\" }", tenant_a, TRACES);
  wait_for("{ name = \"checkout\" }", tenant_a, TRACES);
  if (!f.kind->has_tenants) return 0;
  wait_for("{ name = \"checkout\" }", tenant_b, 1);
  if (strcmp(f.kind->name, "tempo") == 0) wait_for("{ name = \"" BT_OWN_VIOLATION "\" }", tenant_a, 1);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bt_source_free(f.source);
  bt_http_client_free(f.client);
  return 0;
}

int main(int argc, char **argv) {
  for (size_t i = 0; argc == 2 && i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) f.kind = &kinds[i];
  if (!f.kind) return fprintf(stderr, "usage: test_source_conformance files|memory|tempo\n"), 2;
  if (strcmp(f.kind->name, "tempo") == 0 && (!getenv("TEMPO_URL") || !getenv("OTLP_URL"))) return 77;
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
                                     cmocka_unit_test(test_tenants),
                                     cmocka_unit_test(test_own_traces_are_hidden)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
