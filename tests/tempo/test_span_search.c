/* Spans without ids, from a scripted Tempo (span_server.h). What all of it is about: each trace is given once, whole
 * and with its bounds, or the search says that it failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_source.h"
#include "tempo/api/trace_merge.h"
#include "tests/support/asked.h"
#include "tests/support/random.h"
#include "tests/tempo/span_server.h"

enum { MANY_PARTS = 35000 }; /* so many traces expected are asked for in four */

/* ---- fixtures ---- */

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_source_account account;
  bt_error error;
  bt_projection projection;
  bt_projected fields[2];
  bt_cancel cancel;
  size_t calls[TRACES], total, by_id, doubted; /* doubted: the last one by id */
  bt_time_range range;                         /* empty: all of it */
  bt_spans_ahead *ahead;
  bt_apart apart;
  bool is_beside;
  size_t stop_at; /* the sink says stop_with at this call, or cancels; 0: never */
  bt_status stop_with;
} fixture;

static bt_status open_source(fixture *f, const bt_tempo_options *extra) {
  bt_tempo_options options = {.url = fake_server_url(f->server),
                              .pause_ms = 5,
                              .timeout_ms = 60000,
                              .search_limit = extra->search_limit,
                              .max_range_ns = extra->max_range_ns};
  bt_source_free(f->source);
  return bt_tempo_source_new(f->client, &options, &f->source, &f->error);
}

static int set_up(void **state) {
  static fixture f;
  f = (fixture){.fields = {{BT_PROJECTED_SPAN, {"n", 1}}}};
  f.projection = (bt_projection){.attributes = f.fields, .attribute_count = 1, .status = true, .parent = true};
  f.projection.service = true;
  scripted_start();
  f.server = fake_server_start(scripted_answer, NULL);
  bt_http_options options = {.concurrency = 2};
  *state = &f;
  if (!f.server || bt_http_client_new(&options, &f.client, &f.error) != BT_OK) return -1;
  return open_source(&f, &(bt_tempo_options){0}) == BT_OK ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
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

static void check_span(const fixture *f, const bt_span *span, size_t i, size_t k) {
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

static bt_status see(void *context, const bt_found_spans *given, bt_error *error) {
  fixture *f = context;
  size_t i = index_of(&given->found.id), count = scripted_span_count(i);
  f->calls[i]++;
  assert_int_equal(given->found.start_ns, scripted_span_start_ns(i, 0));
  assert_int_equal(given->found.end_ns, scripted_span_start_ns(i, count - 1) + ((int64_t)(i % 7) + 1) * ms_ns);
  if (given->needs_by_id) {
    f->by_id++;
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

static bt_spans_request request_of(fixture *f, uint64_t expected) {
  const bt_time_range all = {FIRST_S * second_ns, (FIRST_S + LENGTH_S) * second_ns};
  return (bt_spans_request){.spans = {asked_name("step"), f->apart},
                            .range = f->range.end_ns ? f->range : all,
                            .ahead = f->ahead,
                            .projection = &f->projection,
                            .expected = expected,
                            .is_beside = f->is_beside,
                            .cancel = &f->cancel};
}

static bt_status find(fixture *f, uint64_t expected) {
  bt_spans_request request = request_of(f, expected);
  memset(f->calls, 0, sizeof f->calls);
  f->total = f->by_id = 0;
  return bt_source_find_spans(f->source, &request, see, f, &f->account, &f->error);
}

static void expect_each_once(fixture *f, uint64_t expected) {
  if (find(f, expected) != BT_OK) fail_msg("%s", f->error.message);
  for (size_t i = 0; i < TRACES; i++)
    if (f->calls[i] != 1) fail_msg("trace %zu was given %zu times", i, f->calls[i]);
}

static void expect_all(fixture *f, uint64_t expected) {
  expect_each_once(f, expected);
  assert_int_equal(f->by_id, 0);
}

/* ---- each once ---- */

/* Every id, also those of which there is no trace: the lowest and highest of each first byte, and random ones with any
 * number of zeros in front. */
static void expect_every_id_asked(void) {
  bt_trace_id ids[TRACES];
  test_random random = test_random_start(11);
  for (size_t i = 0; i < TRACES; i++) ids[i] = scripted_id(i);
  assert_int_equal(scripted_first_unasked(ids, TRACES), TRACES);
  for (size_t i = 0; i < TRACES; i++) {
    for (size_t k = i % 16; k < 16; k++) ids[i].bytes[k] = (uint8_t)test_random_below(&random, 256);
    memset(ids[i].bytes, 0, i % 16);
    ids[i].bytes[15] |= 1;
  }
  assert_int_equal(scripted_first_unasked(ids, TRACES), TRACES);
}

static void gives_each_once_in_parts(void **state, uint64_t expected, size_t parts) {
  expect_all(*state, expected);
  assert_int_equal(scripted_number(&scripted.requests), parts);
  fixture *f = *state;
  assert_int_equal(scripted_number(&scripted.side_questions), 1);
  assert_int_equal(f->account.requests, parts + 1 + 1); /* and whether columns hold lists */
  assert_int_equal(f->account.bytes_inspected, 10 * (parts + 1));
  assert_int_equal(f->account.failed_count, 0);
  expect_every_id_asked();
}

static void one_part_of_what_is_not_expected(void **state) {
  gives_each_once_in_parts(state, 0, 1);
}

static void one_part_of_few(void **state) {
  gives_each_once_in_parts(state, 1900, 1);
}

/* So many that Tempo had better work at both halves at once. */
static void two_parts_of_some(void **state) {
  gives_each_once_in_parts(state, 2000, 2);
}

/* It works at another question beside. */
static void one_part_beside_another_question(void **state) {
  ((fixture *)*state)->is_beside = true;
  gives_each_once_in_parts(state, 25000, 1);
}

static void two_parts_beside_another_question(void **state) {
  ((fixture *)*state)->is_beside = true;
  gives_each_once_in_parts(state, 25001, 2);
}

static void four_parts_of_more(void **state) {
  gives_each_once_in_parts(state, MANY_PARTS, 4);
}

static void as_many_parts_as_may_be_of_millions(void **state) {
  gives_each_once_in_parts(state, 3000000, 256);
}

static void no_more_parts_of_any_number(void **state) {
  gives_each_once_in_parts(state, UINT64_MAX, 256);
}

static void drops_what_belongs_to_another_part(void **state) {
  scripted.beyond = 40;
  expect_all(*state, MANY_PARTS);
}

static void joins_the_pieces_of_a_trace(void **state) {
  scripted.in_pieces = true;
  expect_all(*state, MANY_PARTS);
}

/* Nothing found is an answer too. */
static void gives_nothing_of_an_empty_range(void **state) {
  fixture *f = *state;
  bt_spans_request request = {
      .spans.asked = bt_query_all(), .range = {FIRST_S * second_ns, FIRST_S * second_ns}, .projection = &f->projection};
  assert_int_equal(bt_source_find_spans(f->source, &request, see, f, &f->account, &f->error), BT_OK);
  assert_int_equal(f->total, 0);
}

/* ---- traces with many spans ---- */

static bool is_crowded(size_t i) {
  return scripted_span_count(i) >= scripted.crowded_from;
}

/* With the bounds of all their fragments, though the question that found them saw one. */
static void leaves_out_traces_with_many_spans(void **state) {
  fixture *f = *state;
  size_t crowded = 0;
  scripted.crowded_from = 3;
  expect_each_once(f, MANY_PARTS);
  for (size_t i = 0; i < TRACES; i++) crowded += is_crowded(i);
  assert_int_equal(f->by_id, crowded);
  assert_true(is_crowded(f->doubted));
  assert_int_equal(scripted_number(&scripted.side_questions), 2);
  assert_non_null(strstr(scripted.query, "trace:id !~ \""));
}

/* Whom a failure tells nothing asks again. */
static void learns_nothing_from_a_failure(void **state) {
  fixture *f = *state;
  scripted.crowd_status = 503;
  assert_int_equal(find(f, MANY_PARTS), BT_UNAVAILABLE);
  scripted.crowd_status = 0;
  scripted.crowded_from = 3;
  expect_each_once(f, MANY_PARTS);
  assert_true(f->by_id > 0);
}

static void gives_none_twice_that_a_store_does_not_leave_out(void **state) {
  scripted.crowded_from = 3;
  scripted.ignores_ids = true;
  expect_each_once(*state, MANY_PARTS);
}

static void leaves_out_none_where_a_store_cannot_count(void **state) {
  scripted.crowded_from = 3;
  scripted.crowd_status = 400;
  expect_all(*state, MANY_PARTS);
  assert_null(strstr(scripted.query, "trace:id !~"));
}

static void asks_nothing_more_where_that_question_fails(void **state) {
  scripted.crowd_status = 503;
  assert_int_equal(find(*state, MANY_PARTS), BT_UNAVAILABLE);
  assert_int_equal(scripted_number(&scripted.requests), 0);
}

static void ends_where_most_have_many_spans(void **state) {
  scripted.crowded_from = 1;
  assert_int_equal(find(*state, MANY_PARTS), BT_LIMIT);
  assert_int_equal(scripted_number(&scripted.requests), 0);
}

/* ---- what is asked ahead ---- */

static void begin(fixture *f) {
  bt_spans_request request = request_of(f, 0);
  assert_int_equal(bt_source_begin_spans(f->source, &request, &f->account, &f->ahead, &f->error), BT_OK);
  assert_non_null(f->ahead);
}

static void end(fixture *f) {
  bt_source_end_spans(f->source, f->ahead);
  f->ahead = NULL;
}

static void hasten(fixture *f, uint64_t expected) {
  bt_spans_request request = request_of(f, expected);
  bt_source_hasten_spans(f->source, f->ahead, &request);
}

/* Which traces have many spans is asked once, whoever asks for spans of that range, or of a part of it, and those of
 * another range or filter are asked for themselves. */
static void asks_once_what_was_asked_ahead(void **state) {
  fixture *f = *state;
  size_t given = 0;
  scripted.crowded_from = 3;
  begin(f);
  for (int again = 0; again < 2; again++) {
    expect_each_once(f, again ? MANY_PARTS : 0);
    assert_int_equal(scripted_number(&scripted.side_questions), 2); /* and their bounds */
    if (again) assert_int_equal(f->by_id, given);
    given = f->by_id;
  }
  end(f);
  f->range = (bt_time_range){FIRST_S * second_ns, (FIRST_S + LENGTH_S / 2) * second_ns};
  begin(f);
  f->range = (bt_time_range){0};
  expect_each_once(f, MANY_PARTS);
  assert_int_equal(f->by_id, given);
  end(f);
}

/* Of a part only those that lie in it are given. */
static void gives_of_a_part_what_lies_in_it(void **state) {
  fixture *f = *state;
  scripted.crowded_from = 3;
  begin(f);
  f->range = (bt_time_range){FIRST_S * second_ns, (FIRST_S + 20) * second_ns};
  assert_int_equal(find(f, 0), BT_OK);
  size_t here = 0;
  for (size_t i = 0; i < TRACES; i++) {
    bool starts_here = scripted_span_start_ns(i, 0) < f->range.end_ns;
    here += is_crowded(i) && starts_here;
    if (is_crowded(i) && starts_here) assert_int_equal(f->calls[i], 1);
  }
  assert_true(here > 0);
  assert_in_range(f->by_id, here, 2 * here); /* Tempo counts in seconds */
  end(f);
}

/* It tells whoever asks for spans. */
static void a_failure_ahead_is_told(void **state) {
  fixture *f = *state;
  scripted.crowd_status = 503;
  begin(f);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(find(f, MANY_PARTS), BT_UNAVAILABLE);
    assert_true(strlen(f->error.message) > 0);
  }
  assert_int_equal(scripted_number(&scripted.requests), 0);
  end(f);
}

static void lets_go_of_what_was_asked_ahead(void **state) {
  fixture *f = *state;
  begin(f);
  end(f);
  expect_all(f, MANY_PARTS);
}

/* What is hastened is asked once, and taken with all that comes of it: parts that are full, and others after them. */
static void takes_what_was_hastened(void **state) {
  fixture *f = *state;
  for (int turn = 0; turn < 3; turn++) {
    scripted.crowded_from = turn == 1 ? 3 : 0;
    scripted.largest_rows = turn == 2 ? 60 : 0;
    size_t by_id = turn == 1 ? TRACES / 3 : 0;
    begin(f);
    hasten(f, MANY_PARTS);
    hasten(f, MANY_PARTS); /* which is nothing */
    size_t before = scripted_number(&scripted.side_questions);
    expect_each_once(f, MANY_PARTS);
    assert_int_equal(scripted_number(&scripted.side_questions), before);
    if (by_id) assert_in_range(f->by_id, by_id - 5, by_id + 5);
    if (!turn) assert_int_equal(scripted_number(&scripted.requests), 4);
    end(f);
  }
}

static void takes_nothing_else_for_it(void **state) {
  fixture *f = *state;
  begin(f);
  hasten(f, MANY_PARTS);
  f->apart = BT_APART_NOT;
  expect_all(f, 0);
  f->apart = BT_APART_BY_KIND;
  f->range = (bt_time_range){FIRST_S * second_ns, (FIRST_S + LENGTH_S + 1) * second_ns};
  expect_all(f, 0);
  f->range = (bt_time_range){0};
  expect_all(f, MANY_PARTS);
  assert_int_equal(scripted_number(&scripted.requests), 1 + 1 + 4);
  end(f);
}

/* Nobody takes it, or it fails: then who takes it hears that, and whoever asks again is asked for as ever. */
static void lets_go_of_what_was_hastened(void **state) {
  fixture *f = *state;
  begin(f);
  hasten(f, MANY_PARTS);
  end(f);
  scripted.refuses_all = true;
  begin(f);
  hasten(f, MANY_PARTS);
  for (int again = 0; again < 2; again++) assert_int_equal(find(f, MANY_PARTS), BT_REFUSED);
  scripted.refuses_all = false;
  expect_all(f, MANY_PARTS);
  end(f);
  assert_int_equal(f->account.failed_count, 0);
}

static void ends_what_was_hastened_when_it_is_cancelled(void **state) {
  fixture *f = *state;
  begin(f);
  hasten(f, MANY_PARTS);
  f->stop_at = 3;
  f->stop_with = BT_OK;
  assert_int_equal(find(f, MANY_PARTS), BT_CANCELLED);
  assert_true(f->total < TRACES);
  end(f);
}

/* ---- too much for one answer ---- */

static void halves_what_is_full(void **state) {
  fixture *f = *state;
  assert_int_equal(open_source(f, &(bt_tempo_options){.search_limit = 50}), BT_OK);
  expect_all(f, 0);
  assert_true(scripted.answered > TRACES / 50 && scripted.answered < scripted.requests);
  expect_every_id_asked();
}

/* As many as the limit is full, one fewer is not. */
static void takes_what_is_just_not_full(void **state) {
  fixture *f = *state;
  assert_int_equal(open_source(f, &(bt_tempo_options){.search_limit = TRACES + 1}), BT_OK);
  expect_all(f, 0);
  assert_int_equal(scripted_number(&scripted.requests), 1);
  assert_int_equal(open_source(f, &(bt_tempo_options){.search_limit = TRACES}), BT_OK);
  expect_all(f, 0);
  assert_int_equal(scripted_number(&scripted.requests), 1 + 3);
}

static void halves_what_is_too_large(void **state) {
  scripted.largest_rows = 40;
  expect_all(*state, 5000);
  assert_true(scripted_number(&scripted.too_large) > TRACES / 40);
  expect_every_id_asked();
}

static void halves_what_is_larger_than_a_body_may_be(void **state) {
  scripted.largest_body = TRACES - 1;
  expect_all(*state, 0);
  assert_int_equal(scripted_number(&scripted.too_large), 1);
  assert_int_equal(scripted_number(&scripted.requests), 1 + 2);
}

static void does_not_halve_what_has_no_end(void **state) {
  scripted.is_endless = true;
  assert_int_equal(find(*state, 0), BT_LIMIT);
  assert_true(scripted_number(&scripted.requests) <= 10); /* two are under way */
}

static void ends_where_one_trace_never_fits(void **state) {
  scripted.has_huge = true;
  assert_int_equal(find(*state, 0), BT_LIMIT);
  assert_true(scripted_number(&scripted.too_large) == 33); /* the whole, and each half of the 32 that it is in */
  assert_true(scripted_number(&scripted.requests) <= 33 * 2);
}

static void ends_where_every_answer_is_full(void **state) {
  fixture *f = *state;
  assert_int_equal(open_source(f, &(bt_tempo_options){.search_limit = 1}), BT_OK);
  assert_int_equal(find(f, 0), BT_LIMIT);
  assert_true(scripted_number(&scripted.requests) <= 33 * 2);
}

/* ---- limits of Tempo ---- */

static void learns_the_highest_limit(void **state) {
  fixture *f = *state;
  scripted.most_limit = 30;
  expect_all(f, MANY_PARTS);
  assert_int_equal(atomic_load(&((const bt_tempo *)f->source)->search_limit), 30);
  size_t refused = scripted_number(&scripted.refused);
  assert_true(refused >= 1 && refused <= 2); /* what was under way */
  expect_all(f, MANY_PARTS);
  assert_int_equal(scripted_number(&scripted.refused), refused);
}

static void ends_where_no_limit_is_low_enough(void **state) {
  scripted.most_limit = -1;
  assert_int_equal(find(*state, MANY_PARTS), BT_LIMIT);
  assert_true(scripted_number(&scripted.requests) <= 40); /* each time half of it */
}

static void refuses_too_long_a_range(void **state) {
  fixture *f = *state;
  scripted.longest_s = 60;
  assert_int_equal(find(f, MANY_PARTS), BT_LIMIT);
  uint64_t requests = f->account.requests;
  assert_int_equal(scripted_number(&scripted.requests),
                   0); /* the first question, for traces with many spans, was refused */
  assert_int_equal(find(f, MANY_PARTS), BT_LIMIT);
  assert_int_equal(f->account.requests, requests); /* it was learned */
  assert_int_equal(f->total, 0);
}

static void asks_nothing_of_a_range_known_to_be_too_long(void **state) {
  fixture *f = *state;
  assert_int_equal(open_source(f, &(bt_tempo_options){.max_range_ns = (LENGTH_S - 1) * second_ns}), BT_OK);
  assert_int_equal(find(f, 0), BT_LIMIT);
  assert_int_equal(f->account.requests, 0);
  assert_int_equal(open_source(f, &(bt_tempo_options){.max_range_ns = LENGTH_S * second_ns}), BT_OK);
  expect_all(f, 0);
}

static void asks_nothing_that_one_answer_cannot_hold(void **state) {
  fixture *f = *state;
  f->fields[1] = (bt_projected){BT_PROJECTED_RESOURCE, {"n", 1}};
  f->projection.attribute_count = 2;
  assert_int_equal(find(f, 0), BT_LIMIT);
  f->projection.attribute_count = 1;
  f->projection.whole_trace = true;
  assert_int_equal(find(f, 0), BT_LIMIT);
  assert_int_equal(f->account.requests, 0);
  assert_int_equal(f->total, 0);
}

/* ---- failures ---- */

static void asks_again_for_what_broke_off(void **state) {
  static const broken ways[] = {HALF_JSON, CUT, BAD_SPAN};
  for (size_t i = 0; i < 3; i++) {
    size_t before = scripted_number(&scripted.requests);
    scripted.how = ways[i];
    scripted.broken_from = scripted.broken_to = before + 2;
    expect_all(*state, MANY_PARTS);
    assert_int_equal(scripted_number(&scripted.requests) - before, 4 + 1);
  }
}

static void says_what_stays_broken(void **state) {
  scripted.how = HALF_JSON;
  scripted.broken_from = 1;
  scripted.broken_to = SIZE_MAX;
  assert_int_equal(find(*state, MANY_PARTS), BT_UNAVAILABLE);
  assert_int_equal(((fixture *)*state)->total, 0);
}

static void expect_unavailable(fixture *f) {
  assert_int_equal(find(f, MANY_PARTS), BT_UNAVAILABLE);
  assert_null(strstr(f->error.message, "10.0.0.1"));
  assert_non_null(strstr(f->error.message, "503"));
}

static void says_that_tempo_is_down(void **state) {
  scripted.down_from = 1;
  expect_unavailable(*state);
  assert_int_equal(((fixture *)*state)->total, 0);
}

static void says_that_tempo_went_down(void **state) {
  scripted.down_from = 4;
  expect_unavailable(*state);
  assert_true(((fixture *)*state)->total < TRACES);
}

static void says_that_tempo_refuses(void **state) {
  fixture *f = *state;
  scripted.refuses_all = true;
  assert_int_equal(find(f, MANY_PARTS), BT_REFUSED);
  assert_non_null(strstr(f->error.message, "no such field"));
  assert_int_equal(f->total, 0);
}

/* ---- what is not to be judged ---- */

static void expect_doubt(fixture *f, bool is_doubted) {
  expect_each_once(f, MANY_PARTS);
  assert_int_equal(f->by_id, is_doubted);
  if (is_doubted) assert_int_equal(f->doubted, ODD);
}

static void doubts_what_looks_like_our_own(void **state) {
  static const char *const names[] = {"betrace.violation", "betrace.watch", "betrace.report"};
  fixture *f = *state;
  for (size_t i = 0; i < 3; i++) {
    scripted.odd_name = names[i];
    f->projection.service = true;
    scripted.odd_service = "betrace";
    expect_doubt(f, true);
    scripted.odd_service = "shop"; /* somebody else's span of that name */
    expect_doubt(f, false);
    f->projection.service = false; /* nobody can say whose */
    expect_doubt(f, true);
  }
  scripted.odd_name = "betrace.violations";
  expect_doubt(f, false);
}

static void doubts_what_lacks_a_field_that_was_asked_for(void **state) {
  static const char *const fields[] = {"kind", "status", "span:parentID"};
  fixture *f = *state;
  for (size_t i = 0; i < 3; i++) {
    scripted.odd_leaves_out = fields[i];
    f->projection.status = f->projection.parent = true;
    expect_doubt(f, true);
    f->projection.status = f->projection.parent = false;
    expect_doubt(f, i == 0);
  }
}

static void doubts_what_is_ambiguous(void **state) {
  static const char *const attributes[] = {
      "{\"key\":\"n\",\"value\":{\"intValue\":\"1\"}}",
      "{\"key\":\"n\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"intValue\":\"2\"}]}}}",
      "{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}}",
  };
  fixture *f = *state;
  for (size_t i = 0; i < 3; i++) {
    scripted.odd_attributes = attributes[i];
    expect_doubt(f, true);
  }
  scripted.odd_attributes = "{\"key\":\"m\",\"value\":{\"intValue\":\"1\"}}"; /* which nobody asked for */
  expect_doubt(f, false);
  scripted.odd_matched = 9; /* more copies than were sent */
  expect_doubt(f, true);
}

/* ---- the sink, and who stops ---- */

static void ends_with_what_the_sink_says(void **state) {
  static const bt_status says[] = {BT_CANCELLED, BT_NO_MEMORY, BT_LIMIT, BT_UNAVAILABLE};
  fixture *f = *state;
  f->stop_at = 3;
  for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
    f->stop_with = says[i];
    assert_int_equal(find(f, MANY_PARTS), says[i]);
    assert_string_equal(f->error.message, "the sink has enough");
    assert_int_equal(f->total, 3);
  }
}

static void ends_when_it_is_cancelled(void **state) {
  fixture *f = *state;
  f->stop_at = 3; /* sets the flag, and goes on */
  assert_int_equal(find(f, MANY_PARTS), BT_CANCELLED);
  assert_true(f->total < TRACES);
  assert_int_equal(find(f, MANY_PARTS), BT_CANCELLED);
  assert_int_equal(f->total, 0);
}

/* ---- what is asked ---- */

static void selects_what_the_rule_reads(void **state) {
  fixture *f = *state;
  for (unsigned bits = 0; bits < 8; bits++) {
    f->projection.status = bits & 1;
    f->projection.parent = bits & 2;
    f->projection.service = bits & 4;
    expect_all(f, 0); /* the fields that were selected are there, and no others */
    char wanted[128];
    snprintf(wanted, sizeof wanted, " | by(span:id) | by(kind) | select(name%s%s%s)", bits & 1 ? ", status" : "",
             bits & 2 ? ", span:parentID" : "", bits & 4 ? ", resource.service.name" : "");
    const char *written = strstr(scripted.query, " | by(");
    assert_non_null(written);
    assert_string_equal(written, wanted);
    assert_non_null(strstr(scripted.query, "(name = \"step\")"));
    assert_non_null(strstr(scripted.query, " && (span.n =~ ")); /* what a filter tests is given */
    assert_int_equal(scripted_number(&scripted.spans_per_set), BT_READ_SPANS_PER_SET);
  }
}

static void expect_stages(const char *wanted, size_t spans_per_set) {
  const char *written = strstr(scripted.query, " } |");
  assert_non_null(written);
  assert_string_equal(written, wanted);
  assert_int_equal(scripted_number(&scripted.spans_per_set), spans_per_set);
}

/* Of one kind it needs not tell kinds apart, and still looks for traces with many spans. */
static void keeps_spans_of_one_kind_apart_by_id(void **state) {
  fixture *f = *state;
  f->apart = BT_APART_BY_ID;
  expect_all(f, 0);
  expect_stages(" } | by(span:id) | select(name, status, span:parentID, resource.service.name)", BT_READ_SPANS_PER_SET);
  assert_int_equal(scripted_number(&scripted.side_questions), 1);
}

/* Then many spans of one trace cost no square, and nobody looks for such traces. */
static void asks_for_wide_sets_of_spans_that_are_not_kept_apart(void **state) {
  fixture *f = *state;
  f->apart = BT_APART_NOT;
  expect_all(f, MANY_PARTS);
  expect_stages(" } | select(name, kind, status, span:parentID, resource.service.name)", 100);
  assert_int_equal(scripted_number(&scripted.side_questions), 0);
  assert_int_equal(scripted_number(&scripted.requests), 4);
}

static void keeps_spans_apart_where_wide_sets_are_refused(void **state) {
  fixture *f = *state;
  f->apart = BT_APART_NOT;
  scripted.most_per_set = 10;
  expect_all(f, 0);
  expect_stages(" } | by(span:id) | by(kind) | select(name, status, span:parentID, resource.service.name)",
                BT_READ_SPANS_PER_SET);
  size_t before = scripted_number(&scripted.requests);
  expect_all(f, 0);
  assert_int_equal(scripted_number(&scripted.requests), before + 1); /* it has learned that */
}

/* What is refused either way is not called a refusal of wide sets. */
static void learns_nothing_where_both_are_refused(void **state) {
  fixture *f = *state;
  f->apart = BT_APART_NOT;
  scripted.refuses_all = true;
  assert_int_equal(find(f, 0), BT_REFUSED);
  scripted.refuses_all = false;
  expect_all(f, 0);
  expect_stages(" } | select(name, kind, status, span:parentID, resource.service.name)", 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(one_part_of_what_is_not_expected),
                                     TEST(one_part_of_few),
                                     TEST(two_parts_of_some),
                                     TEST(one_part_beside_another_question),
                                     TEST(two_parts_beside_another_question),
                                     TEST(four_parts_of_more),
                                     TEST(as_many_parts_as_may_be_of_millions),
                                     TEST(no_more_parts_of_any_number),
                                     TEST(drops_what_belongs_to_another_part),
                                     TEST(joins_the_pieces_of_a_trace),
                                     TEST(gives_nothing_of_an_empty_range),
                                     TEST(leaves_out_traces_with_many_spans),
                                     TEST(learns_nothing_from_a_failure),
                                     TEST(gives_none_twice_that_a_store_does_not_leave_out),
                                     TEST(leaves_out_none_where_a_store_cannot_count),
                                     TEST(asks_nothing_more_where_that_question_fails),
                                     TEST(ends_where_most_have_many_spans),
                                     TEST(asks_once_what_was_asked_ahead),
                                     TEST(gives_of_a_part_what_lies_in_it),
                                     TEST(a_failure_ahead_is_told),
                                     TEST(lets_go_of_what_was_asked_ahead),
                                     TEST(takes_what_was_hastened),
                                     TEST(takes_nothing_else_for_it),
                                     TEST(lets_go_of_what_was_hastened),
                                     TEST(ends_what_was_hastened_when_it_is_cancelled),
                                     TEST(halves_what_is_full),
                                     TEST(takes_what_is_just_not_full),
                                     TEST(halves_what_is_too_large),
                                     TEST(halves_what_is_larger_than_a_body_may_be),
                                     TEST(does_not_halve_what_has_no_end),
                                     TEST(ends_where_one_trace_never_fits),
                                     TEST(ends_where_every_answer_is_full),
                                     TEST(learns_the_highest_limit),
                                     TEST(ends_where_no_limit_is_low_enough),
                                     TEST(refuses_too_long_a_range),
                                     TEST(asks_nothing_of_a_range_known_to_be_too_long),
                                     TEST(asks_nothing_that_one_answer_cannot_hold),
                                     TEST(asks_again_for_what_broke_off),
                                     TEST(says_what_stays_broken),
                                     TEST(says_that_tempo_is_down),
                                     TEST(says_that_tempo_went_down),
                                     TEST(says_that_tempo_refuses),
                                     TEST(doubts_what_looks_like_our_own),
                                     TEST(doubts_what_lacks_a_field_that_was_asked_for),
                                     TEST(doubts_what_is_ambiguous),
                                     TEST(ends_with_what_the_sink_says),
                                     TEST(ends_when_it_is_cancelled),
                                     TEST(selects_what_the_rule_reads),
                                     TEST(keeps_spans_of_one_kind_apart_by_id),
                                     TEST(asks_for_wide_sets_of_spans_that_are_not_kept_apart),
                                     TEST(keeps_spans_apart_where_wide_sets_are_refused),
                                     TEST(learns_nothing_where_both_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
