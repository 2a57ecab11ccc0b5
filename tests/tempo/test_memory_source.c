/* The memory source by itself: the cap, what is said of evicted traces, merging over pushes, tenants, threads, and no
 * memory. What it shares with all sources is in test_source_conformance.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tempo/files/memory_source.h"
#include "tests/support/failing_alloc.h"
#include "tests/tempo/pushed_otlp.h"

enum { CAP_BYTES = 64 * 1024, LONGEST = 400, THREADS = 4, PUSHES = 200 };

static bt_trace_id id_of(unsigned number) {
  bt_trace_id id = {{0}};
  for (int i = 0; i < 4; i++) id.bytes[15 - i] = (uint8_t)(number >> 8 * i);
  return id;
}

enum { SPAN_JSON_BYTES = 800 };

/* One span as OTLP JSON: of trace `number`, at [start, start + 10] ns; without a parent when it is 0. */
static bt_str span_json(char room[SPAN_JSON_BYTES], unsigned number, unsigned span, unsigned parent, unsigned start) {
  char link[64] = "";
  if (parent) snprintf(link, sizeof link, "\"parentSpanId\":\"%016x\",", parent);
  int length =
      snprintf(room, SPAN_JSON_BYTES,
               "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
               "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"2\"},"
               "\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\",%s\"name\":\"n%u\","
               "\"startTimeUnixNano\":\"%u\",\"endTimeUnixNano\":\"%u\",\"attributes\":[{\"key\":\"tags\",\"value\":"
               "{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"stringValue\":\"bb\"}]}}}],\"events\":"
               "[{\"name\":\"e\",\"timeUnixNano\":\"7\",\"attributes\":[{\"key\":\"k\",\"value\":{\"intValue\":3}}]}],"
               "\"links\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"attributes\":[{\"key\":\"l\",\"value\":"
               "{\"stringValue\":\"retry\"}}]}]}]}]}]}",
               number, span, link, span, start, start + 10, number + 1, span + 1);
  assert_true(length > 0 && length < SPAN_JSON_BYTES);
  return (bt_str){room, (size_t)length};
}

static bt_status push(bt_source *source, const char *tenant, unsigned number, unsigned span, unsigned parent,
                      unsigned start, bt_error *error) {
  char room[SPAN_JSON_BYTES];
  uint64_t count = 0;
  bt_str body = span_json(room, number, span, parent, start);
  bt_status status = push_otlp(source, tenant, body, true, &count, error);
  memset(room, 'x', sizeof room); /* nothing may borrow from it */
  assert_int_equal(count, status == BT_OK ? 1 : 0);
  return status;
}

static void must_push(bt_source *source, const char *tenant, unsigned number, unsigned span, unsigned parent,
                      unsigned start) {
  bt_error error = {0};
  if (push(source, tenant, number, span, parent, start, &error) != BT_OK) fail_msg("push: %s", error.message);
}

static bt_source *make(size_t cap_bytes) {
  bt_source *source = NULL;
  bt_error error = {0};
  assert_int_equal(bt_memory_source_new(cap_bytes, &source, &error), BT_OK);
  return source;
}

typedef struct answer {
  size_t calls;
  bool is_there, partial, differs;
  uint32_t span_count;
  char first_name[8];
} answer;

static bt_status take(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  answer *a = context;
  a->calls++;
  a->is_there = read->trace != NULL;
  if (!read->trace) return BT_OK;
  const bt_span *span = &read->trace->spans[0];
  a->partial = read->trace->partial;
  a->differs = read->trace->differing_copies;
  a->span_count = read->trace->span_count;
  snprintf(a->first_name, sizeof a->first_name, "%.*s", (int)span->name.len, span->name.ptr);
  assert_true(bt_str_equal(span->resource->service, BT_STR("shop")));
  assert_true(bt_str_equal(span->scope->version, BT_STR("2")));
  assert_int_equal(span->attributes.items[0].value.type, BT_VALUE_ARRAY);
  assert_true(bt_str_equal(span->attributes.items[0].value.array.items[1].string, BT_STR("bb")));
  assert_int_equal(span->event_count, 1);
  assert_int_equal(span->events[0].attributes.items[0].value.integer, 3);
  assert_int_equal(span->link_count, 1);
  assert_int_equal(span->links[0].trace_id.bytes[15], (uint8_t)(read->trace->id.bytes[15] + 1));
  assert_int_equal(span->links[0].span_id.bytes[7], (uint8_t)(span->id.bytes[7] + 1));
  assert_true(bt_str_equal(span->links[0].attributes.items[0].value.string, BT_STR("retry")));
  return BT_OK;
}

static bt_status read_one(bt_source *source, const char *tenant, unsigned number, answer *a) {
  bt_trace_id id = id_of(number);
  bt_read_request request = {.ids = &id, .count = 1, .tenant = tenant, .by_id = true};
  bt_source_account account = {0};
  bt_error error = {0};
  *a = (answer){0};
  bt_status status = bt_source_read(source, &request, take, a, &account, &error);
  if (status != BT_OK) assert_non_null(strstr(error.message, "evicted"));
  return status;
}

static size_t search(bt_source *source, const char *tenant, bt_time_range range, bt_source_account *account) {
  bt_found_list found = {0};
  bt_error error = {0};
  bt_search_request request = {.query = bt_query_all(), .range = range, .tenant = tenant};
  assert_int_equal(bt_source_search(source, &request, &found, account, &error), BT_OK);
  size_t count = found.count;
  bt_found_list_dispose(&found);
  return count;
}

static void test_merges_over_pushes(void **state) {
  (void)state;
  bt_source *source = make(0);
  answer a;
  must_push(source, NULL, 1, 1, 0, 100);
  must_push(source, NULL, 1, 2, 1, 90);
  must_push(source, NULL, 2, 1, 0, 100);
  assert_int_equal(read_one(source, NULL, 1, &a), BT_OK);
  assert_true(a.is_there && a.span_count == 2 && !a.partial && !a.differs);
  assert_string_equal(a.first_name, "n2"); /* a start of 0 stands behind those that are known */
  must_push(source, NULL, 1, 1, 0, 95);    /* the same span with another start, which is said */
  assert_int_equal(read_one(source, NULL, 1, &a), BT_OK);
  assert_true(a.span_count == 2 && a.differs);
  assert_int_equal(read_one(source, "", 1, &a), BT_OK);
  assert_true(a.is_there);
  assert_int_equal(read_one(source, "b", 1, &a), BT_OK);
  assert_true(a.calls == 1 && !a.is_there);
  bt_promises promises = bt_source_known(source);
  assert_string_equal(promises.about.kind, "memory");
  assert_true(promises.about.is_checked);
  assert_false(promises.is_static || promises.filters || promises.projects || promises.has_copies);
  bt_source_free(source);
}

static void test_one_trace_of_two_tenants(void **state) {
  (void)state;
  bt_source *source = make(0);
  bt_source_account account = {0};
  bt_error error = {0};
  answer a;
  must_push(source, "a", 1, 1, 0, 100);
  must_push(source, "b", 1, 2, 0, 100);
  assert_int_equal(read_one(source, "b", 1, &a), BT_OK);
  assert_int_equal(a.span_count, 1);
  assert_int_equal(read_one(source, "a|b", 1, &a), BT_OK);
  assert_int_equal(a.span_count, 2);
  assert_int_equal(search(source, "b|a", (bt_time_range){0, 200}, &account), 1);
  assert_int_equal(search(source, NULL, (bt_time_range){0, 200}, &account), 0);
  assert_int_equal(push(source, "a|b", 3, 1, 0, 100, &error), BT_INVALID);
  bt_source_free(source);
}

static void test_tenants_are_bounded(void **state) {
  (void)state;
  bt_source *source = make(0);
  bt_error error = {0};
  char name[16];
  for (int i = 0; i < BT_MEMORY_TENANTS_MAX; i++) {
    snprintf(name, sizeof name, "t%d", i);
    must_push(source, name, 1, 1, 0, 100);
  }
  assert_int_equal(push(source, "one more", 1, 1, 0, 100, &error), BT_LIMIT);
  must_push(source, "t7", 2, 1, 0, 100);
  bt_source_free(source);
}

static void check_gap(bt_source *source, int64_t start_ns, int64_t end_ns, bt_time_range expected) {
  bt_source_account account = {0};
  search(source, NULL, (bt_time_range){start_ns, end_ns}, &account);
  if (expected.start_ns == expected.end_ns) {
    assert_int_equal(account.failed_count, 0);
  } else {
    assert_int_equal(account.failed_count, 1);
    assert_true(account.failed[0].range.start_ns == expected.start_ns);
    assert_true(account.failed[0].range.end_ns == expected.end_ns);
    assert_non_null(strstr(account.failed[0].reason, "evicted"));
  }
  bt_source_account_dispose(&account);
}

/* Fills the source with traces 1, 2, … at 1000, 2000, … until the first is gone; the number of the last. */
static unsigned fill(bt_source *source) {
  answer a;
  for (unsigned number = 1;; number++) {
    must_push(source, NULL, number, 1, 0, number * 1000);
    assert_true(bt_memory_source_bytes(source) <= CAP_BYTES);
    if (read_one(source, NULL, 1, &a) != BT_OK) return assert_int_equal(a.calls, 0), number;
  }
}

static void test_eviction_is_said(void **state) {
  (void)state;
  bt_source *source = make(CAP_BYTES);
  answer a;
  check_gap(source, 0, INT64_MAX, (bt_time_range){0, 0});
  unsigned last = fill(source), oldest = 1;
  assert_true(last > 20);
  while (read_one(source, NULL, oldest, &a) != BT_OK) oldest++;
  assert_true(oldest > 1 && oldest < last);
  int64_t gone_ns = (int64_t)(oldest - 1) * 1000 + 10; /* where the last evicted trace ends */
  check_gap(source, 0, INT64_MAX, (bt_time_range){0, gone_ns + 1});
  check_gap(source, 500, 800, (bt_time_range){500, 800});
  check_gap(source, gone_ns, gone_ns + 50, (bt_time_range){gone_ns, gone_ns + 1});
  check_gap(source, gone_ns + 1, INT64_MAX, (bt_time_range){0, 0});
  for (unsigned i = oldest; i <= last; i++) {
    assert_int_equal(read_one(source, NULL, i, &a), BT_OK);
    assert_true(a.is_there && !a.partial);
  }
  bt_source_account account = {0};
  assert_int_equal(search(source, NULL, (bt_time_range){0, INT64_MAX}, &account), last - oldest + 1);
  assert_int_equal(search(source, "b", (bt_time_range){0, INT64_MAX}, &account), 0);
  bt_source_account_dispose(&account);
  bt_source_free(source);
}

/* What comes for a trace after its eviction is a part of it: absence in it proves nothing. */
static void test_a_trace_that_comes_back_is_partial(void **state) {
  (void)state;
  bt_source *source = make(CAP_BYTES);
  answer a;
  unsigned last = fill(source);
  must_push(source, NULL, 1, 2, 0, (last + 1) * 1000);
  assert_int_equal(read_one(source, NULL, 1, &a), BT_OK);
  assert_true(a.is_there && a.partial && a.span_count == 1);
  bt_source_free(source);
}

/* However many went after it, an evicted trace is never taken for one that was not there, or for whole. */
static void test_evictions_are_never_forgotten(void **state) {
  (void)state;
  bt_source *source = make(CAP_BYTES);
  answer a;
  unsigned last = fill(source), number = last;
  while (number < last + 1500) {
    number++;
    must_push(source, NULL, number, 1, 0, number * 1000);
    assert_true(bt_memory_source_bytes(source) <= CAP_BYTES);
  }
  for (unsigned i = 1; i < number - last; i++) {
    assert_int_equal(read_one(source, NULL, i, &a), BT_REFUSED);
    assert_int_equal(a.calls, 0);
  }
  must_push(source, NULL, 1, 2, 0, ++number * 1000);
  assert_int_equal(read_one(source, NULL, 1, &a), BT_OK);
  assert_true(a.is_there && a.partial);
  check_gap(source, 0, 5000, (bt_time_range){0, 5000});
  bt_source_free(source);
}

/* A few evictions do not cast doubt on everything. */
static void test_unknown_ids_are_mostly_known_as_such(void **state) {
  (void)state;
  bt_source *source = make(CAP_BYTES);
  answer a;
  unsigned last = fill(source), unknown = 0;
  for (unsigned i = 1; i <= 200; i++) unknown += read_one(source, NULL, last + i, &a) == BT_OK && !a.is_there;
  assert_true(unknown > 190);
  bt_source_free(source);
}

static void test_a_push_larger_than_the_cap(void **state) {
  (void)state;
  bt_source *source = make(300);
  bt_error error = {0};
  assert_int_equal(push(source, NULL, 1, 1, 0, 100, &error), BT_LIMIT);
  assert_non_null(strstr(error.message, "300"));
  assert_int_equal(bt_memory_source_bytes(source), 0);
  check_gap(source, 0, INT64_MAX, (bt_time_range){0, 0});
  bt_source_free(source);
}

/* What nearly fills the source alone pushes the others out, and stays itself. */
static void test_what_just_came_stays(void **state) {
  (void)state;
  bt_source *source = make(CAP_BYTES);
  bt_buffer body = {0};
  bt_error error = {0};
  bt_source_account account = {0};
  uint64_t count = 0;
  must_push(source, NULL, 1, 1, 0, 9000);
  bt_buffer_printf(&body,
                   "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\","
                   "\"startTimeUnixNano\":\"9999\",\"name\":\"",
                   2u, 1u);
  for (int i = 0; i < CAP_BYTES - 1000; i++) bt_buffer_append_char(&body, 'x');
  bt_buffer_append(&body, BT_STR("\"}]}]}]}"));
  assert_false(body.failed);
  assert_int_equal(push_otlp(source, NULL, bt_buffer_str(&body), true, &count, &error), BT_OK);
  answer a;
  assert_int_equal(read_one(source, NULL, 1, &a), BT_REFUSED);
  assert_int_equal(search(source, NULL, (bt_time_range){9999, 10000}, &account), 1);
  assert_true(bt_memory_source_bytes(source) <= CAP_BYTES);
  bt_source_account_dispose(&account);
  bt_buffer_dispose(&body);
  bt_source_free(source);
}

static void test_bad_bytes(void **state) {
  (void)state;
  bt_source *source = make(0);
  bt_error error = {0};
  uint64_t count = 9;
  assert_int_equal(push_otlp(source, NULL, BT_STR("{\"resourceSpans\":[{]"), true, &count, &error), BT_INVALID);
  assert_int_equal(count, 0);
  assert_int_equal(push_otlp(source, NULL, BT_STR("\x0a\xff"), false, &count, &error), BT_INVALID);
  assert_int_equal(push_otlp(source, NULL, BT_STR("{}"), true, &count, &error), BT_OK);
  assert_int_equal(count, 0);
  assert_int_equal(bt_memory_source_bytes(source), 0);
  bt_source_free(source);
}

/* ---- threads ---- */

typedef struct pusher {
  bt_source *source;
  unsigned number;
} pusher;

/* Pushes to one trace that all share and to traces of its own, and reads meanwhile. */
static void *push_many(void *context) {
  const pusher *p = context;
  for (unsigned i = 0; i < PUSHES; i++) {
    char room[SPAN_JSON_BYTES];
    uint64_t count = 0;
    bt_error error = {0};
    bt_source_account account = {0};
    bt_found_list found = {0};
    bt_trace_id ids[] = {id_of(1), id_of(100 * p->number + i)};
    bt_read_request request = {.ids = ids, .count = 2};
    bt_search_request all = {.query = bt_query_all(), .range = {0, INT64_MAX}};
    answer a = {0};
    bt_str body = span_json(room, 1, p->number * 1000 + i + 1, 0, 100);
    bt_status status = push_otlp(p->source, NULL, body, true, &count, &error);
    body = span_json(room, 1000 * p->number + i, 1, 0, 100 + i);
    if (!status) status = push_otlp(p->source, NULL, body, true, &count, &error);
    if (!status) status = bt_source_search(p->source, &all, &found, &account, &error);
    if (!status) status = bt_source_read(p->source, &request, take, &a, &account, &error);
    bt_found_list_dispose(&found);
    bt_source_account_dispose(&account);
    if (status != BT_OK && status != BT_REFUSED) return "a call failed"; /* refused: evicted meanwhile */
  }
  return NULL;
}

static void run_threads(bt_source *source) {
  pthread_t threads[THREADS];
  pusher pushers[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    pushers[i] = (pusher){source, i + 1};
    assert_int_equal(pthread_create(&threads[i], NULL, push_many, &pushers[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    void *failure = NULL;
    pthread_join(threads[i], &failure);
    if (failure) fail_msg("%s", (const char *)failure);
  }
}

static void test_threads(void **state) {
  (void)state;
  bt_source *source = make(0), *small = make(CAP_BYTES);
  answer a;
  run_threads(source);
  assert_int_equal(read_one(source, NULL, 1, &a), BT_OK);
  assert_int_equal(a.span_count, THREADS * PUSHES);
  bt_source_account account = {0};
  assert_int_equal(search(source, NULL, (bt_time_range){0, INT64_MAX}, &account), 1 + THREADS * PUSHES);
  run_threads(small);
  assert_true(bt_memory_source_bytes(small) <= CAP_BYTES);
  bt_source_free(source);
  bt_source_free(small);
}

/* ---- no memory ---- */

/* Whole work on a source whose n-th allocation fails; true: none was refused. What was pushed before a failure stays as
 * it was. */
static bool work_with_failure(size_t n) {
  bt_source *source = NULL;
  bt_error error = {0};
  bt_source_account account = {0};
  bt_found_list found = {0};
  answer a = {0};
  bt_trace_id id = id_of(1);
  bt_read_request read = {.ids = &id, .count = 1};
  bt_search_request all = {.query = bt_query_all(), .range = {0, INT64_MAX}};
  failing_alloc_after(n);
  bt_status status = bt_memory_source_new(0, &source, &error);
  if (!status) status = push(source, "a", 1, 1, 0, 100, &error);
  size_t bytes = source ? bt_memory_source_bytes(source) : 0;
  if (!status) status = push(source, "", 1, 1, 0, 100, &error);
  if (status && source) assert_int_equal(bt_memory_source_bytes(source), bytes);
  if (!status) status = bt_source_search(source, &all, &found, &account, &error);
  if (!status) status = bt_source_read(source, &read, take, &a, &account, &error);
  bool refused = failing_alloc_stop();
  assert_true(refused ? status == BT_NO_MEMORY : status == BT_OK);
  if (!refused) assert_true(a.is_there && found.count == 1);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  bt_source_free(source);
  return !refused;
}

static void test_no_memory(void **state) {
  (void)state;
  size_t n = 0;
  while (!work_with_failure(n)) assert_true(++n < LONGEST);
  assert_true(n > 10);
}

/* Appends a span of trace 1 with so many attributes: k0 … with this value each, and with the next one too where they
 * stand twice. */
static void append_record(bt_buffer *out, unsigned key_count, unsigned value, bool are_twice) {
  bt_buffer_printf(out,
                   "{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"n\",\"startTimeUnixNano\":\"100\","
                   "\"endTimeUnixNano\":\"110\",\"attributes\":[",
                   1, 1);
  for (unsigned i = 0; i < (are_twice ? 2 * key_count : key_count); i++)
    bt_buffer_printf(out, "%s{\"key\":\"k%u\",\"value\":{\"intValue\":%u}}", i ? "," : "", i % key_count,
                     value + i / key_count);
  bt_buffer_append(out, BT_STR("]}"));
}

static void push_records(bt_source *source, unsigned record_count, unsigned key_count, bool are_twice) {
  bt_buffer body = {0};
  uint64_t count = 0;
  bt_error error = {0};
  bt_buffer_append(&body, BT_STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["));
  for (unsigned i = 0; i < record_count; i++) {
    if (i) bt_buffer_append_char(&body, ',');
    append_record(&body, key_count, i, are_twice);
  }
  bt_buffer_append(&body, BT_STR("]}]}]}"));
  if (push_otlp(source, NULL, (bt_str){body.ptr, body.len}, true, &count, &error) != BT_OK)
    fail_msg("%s", error.message);
  bt_buffer_dispose(&body);
}

typedef struct records_seen {
  bool has_more, differs;
  unsigned told, unsplit; /* how many */
} records_seen;

static bt_status count_records(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  records_seen *seen = context;
  assert_non_null(read->trace);
  assert_int_equal(read->trace->span_count, 1);
  *seen = (records_seen){.has_more = read->trace->has_more_copies, .differs = read->trace->differing_copies};
  for (const bt_span *record = read->trace->spans; record; record = record->other) seen->told++;
  for (const bt_span *record = read->trace->spans[0].unsplit; record; record = record->other) seen->unsplit++;
  return BT_OK;
}

static records_seen read_records(bt_source *source) {
  records_seen seen = {0};
  bt_trace_id id = id_of(1);
  bt_read_request request = {.ids = &id, .count = 1, .by_id = true};
  bt_source_account account = {0};
  bt_error error = {0};
  assert_int_equal(bt_source_read(source, &request, count_records, &seen, &account, &error), BT_OK);
  return seen;
}

/* Of 17 copies in one push 16 are kept, and that there are more is not forgotten: the other one may violate. */
static void test_more_copies_than_are_kept(void **state) {
  (void)state;
  bt_source *source = make(0);
  push_records(source, 17, 1, false);
  records_seen seen = read_records(source);
  assert_true(seen.differs && seen.has_more);
  assert_int_equal(seen.told, 16);
  bt_source_free(source);
}

/* Five keys that stand twice are 32 records: the one that came is kept with the span, over pushes too. */
static void test_keys_that_stand_twice(void **state) {
  (void)state;
  bt_source *source = make(0);
  push_records(source, 1, 5, true);
  records_seen seen = read_records(source);
  assert_true(seen.differs && !seen.has_more && seen.told == 1 && seen.unsplit == 1);
  push_records(source, 1, 5, true);
  seen = read_records(source);
  assert_true(seen.differs && !seen.has_more && seen.told == 1 && seen.unsplit == 1);
  push_records(source, 1, 1, false);
  seen = read_records(source);
  assert_true(seen.differs && !seen.has_more && seen.told == 2 && seen.unsplit == 2);
  bt_source_free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_merges_over_pushes),
                                     cmocka_unit_test(test_one_trace_of_two_tenants),
                                     cmocka_unit_test(test_tenants_are_bounded),
                                     cmocka_unit_test(test_eviction_is_said),
                                     cmocka_unit_test(test_a_trace_that_comes_back_is_partial),
                                     cmocka_unit_test(test_evictions_are_never_forgotten),
                                     cmocka_unit_test(test_unknown_ids_are_mostly_known_as_such),
                                     cmocka_unit_test(test_a_push_larger_than_the_cap),
                                     cmocka_unit_test(test_what_just_came_stays),
                                     cmocka_unit_test(test_bad_bytes),
                                     cmocka_unit_test(test_more_copies_than_are_kept),
                                     cmocka_unit_test(test_keys_that_stand_twice),
                                     cmocka_unit_test(test_threads),
                                     cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
