/* Searches for spans of the scripted Tempo. See span_fixture.h. */
#include "tests/tempo/span_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/asked.h"

bt_status span_fixture_open(span_fixture *f, const bt_tempo_options *extra) {
  bt_tempo_options options = {.url = fake_server_url(f->server),
                              .pause_ms = 5,
                              .timeout_ms = 60000,
                              .search_limit = extra->search_limit,
                              .max_range_ns = extra->max_range_ns};
  bt_source_free(f->source);
  return bt_tempo_source_new(f->client, &options, &f->source, &f->error);
}

int span_fixture_set_up(void **state) {
  static span_fixture f;
  f = (span_fixture){.fields = {{BT_PROJECTED_SPAN, {"n", 1}}}};
  f.projection = (bt_projection){.attributes = f.fields, .attribute_count = 1, .status = true, .parent = true};
  f.projection.service = true;
  scripted_start();
  f.server = fake_server_start(scripted_answer, NULL);
  bt_http_options options = {.concurrency = 2};
  *state = &f;
  if (!f.server || bt_http_client_new(&options, &f.client, &f.error) != BT_OK) return -1;
  return span_fixture_open(&f, &(bt_tempo_options){0}) == BT_OK ? 0 : -1;
}

int span_fixture_tear_down(void **state) {
  span_fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  bt_source_account_dispose(&f->account);
  scripted_end();
  return 0;
}

static size_t index_of(const bt_trace_id *id) {
  for (size_t i = 0; i < TRACES; i++) {
    bt_trace_id known = scripted_id(i);
    if (bt_trace_id_compare(&known, id) == 0) return i;
  }
  fail_msg("a trace was given that there is not");
  return 0;
}

static bt_span_id id_of_span(size_t number) {
  bt_span_id id;
  char hex[17];
  snprintf(hex, sizeof hex, "%016zx", number);
  assert_true(bt_span_id_parse(bt_str_from(hex), &id));
  return id;
}

static void check_span(const span_fixture *f, const bt_span *span, size_t i, size_t k) {
  bt_span_id id = id_of_span(scripted_span_id(i, k)), parent = {{0}};
  if (k && f->projection.parent) parent = id_of_span(scripted_span_id(i, 0));
  assert_memory_equal(span->id.bytes, id.bytes, sizeof id.bytes);
  assert_memory_equal(span->parent_id.bytes, parent.bytes, sizeof parent.bytes);
  assert_int_equal(span->status, f->projection.status ? BT_SPAN_STATUS_ERROR : BT_SPAN_STATUS_UNSET);
  assert_int_equal(span->start_ns, scripted_span_start_ns(i, k));
  assert_int_equal(span->end_ns, scripted_span_start_ns(i, k) + 1000);
  if (i != ODD) assert_true(bt_str_equal(span->resource->service, f->projection.service ? BT_STR("shop") : BT_STR("")));
  const bt_value *n = bt_attributes_find(&span->attributes, BT_STR("n"));
  assert_true(n && n->type == BT_VALUE_INT && n->integer == (int64_t)scripted_span_id(i, k));
}

bt_status see_spans(void *context, const bt_found_spans *given, bt_error *error) {
  span_fixture *f = context;
  size_t i = index_of(&given->found.id), count = scripted_span_count(i);
  f->calls[i]++;
  assert_int_equal(given->found.start_ns, scripted_span_start_ns(i, 0));
  assert_int_equal(given->found.end_ns, scripted_span_start_ns(i, count - 1) + ((int64_t)(i % 7) + 1) * ms_ns);
  if (given->needs_by_id) {
    f->by_id++;
    f->in_doubt += given->found.in_doubt;
    f->doubted = i;
  } else {
    assert_non_null(given->trace);
    assert_int_equal(bt_trace_id_compare(&given->trace->id, &given->found.id), 0);
    assert_int_equal(given->trace->span_count, count);
    for (size_t k = 0; k < count; k++) check_span(f, &given->trace->spans[k], i, k);
  }
  if (++f->total != f->stop_at) return BT_OK;
  if (f->stop_with == BT_OK) atomic_store(&f->cancel.requested, true);
  return f->stop_with == BT_OK ? BT_OK : bt_error_set(error, f->stop_with, "the sink has enough");
}

bt_spans_request span_fixture_request(span_fixture *f, uint64_t expected) {
  const bt_time_range all = {FIRST_S * second_ns, (FIRST_S + LENGTH_S) * second_ns};
  return (bt_spans_request){.spans = {asked_name("step"), f->apart},
                            .range = f->range.end_ns ? f->range : all,
                            .ahead = f->ahead,
                            .projection = &f->projection,
                            .expected = expected,
                            .longest_ns = f->longest_ns,
                            .is_beside = f->is_beside,
                            .cancel = &f->cancel};
}

bt_status find_scripted(span_fixture *f, uint64_t expected) {
  bt_spans_request request = span_fixture_request(f, expected);
  memset(f->calls, 0, sizeof f->calls);
  f->total = f->by_id = f->in_doubt = 0;
  return bt_source_find_spans(f->source, &request, see_spans, f, &f->account, &f->error);
}

void expect_each_once(span_fixture *f, uint64_t expected) {
  if (find_scripted(f, expected) != BT_OK) fail_msg("%s", f->error.message);
  for (size_t i = 0; i < TRACES; i++)
    if (f->calls[i] != 1) fail_msg("trace %zu was given %zu times", i, f->calls[i]);
}

void expect_all(span_fixture *f, uint64_t expected) {
  expect_each_once(f, expected);
  assert_int_equal(f->by_id, 0);
}
