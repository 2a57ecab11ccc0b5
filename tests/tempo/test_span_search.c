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
#include "tempo/api/trace_merge.h"
#include "tests/support/random.h"
#include "tests/tempo/span_fixture.h"

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
  span_fixture *f = *state;
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
  ((span_fixture *)*state)->is_beside = true;
  gives_each_once_in_parts(state, 25000, 1);
}

static void two_parts_beside_another_question(void **state) {
  ((span_fixture *)*state)->is_beside = true;
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
  span_fixture *f = *state;
  bt_spans_request request = {
      .spans.asked = bt_query_all(), .range = {FIRST_S * second_ns, FIRST_S * second_ns}, .projection = &f->projection};
  assert_int_equal(bt_source_find_spans(f->source, &request, see_spans, f, &f->account, &f->error), BT_OK);
  assert_int_equal(f->total, 0);
}

/* ---- traces with many spans ---- */

static bool is_crowded(size_t i) {
  return scripted_span_count(i) >= scripted.crowded_from;
}

/* With the bounds of all their fragments, though the question that found them saw one. */
static void leaves_out_traces_with_many_spans(void **state) {
  span_fixture *f = *state;
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
  span_fixture *f = *state;
  scripted.crowd_status = 503;
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_UNAVAILABLE);
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
  assert_int_equal(find_scripted(*state, MANY_PARTS), BT_UNAVAILABLE);
  assert_int_equal(scripted_number(&scripted.requests), 0);
}

static void ends_where_most_have_many_spans(void **state) {
  scripted.crowded_from = 1;
  assert_int_equal(find_scripted(*state, MANY_PARTS), BT_LIMIT);
  assert_int_equal(scripted_number(&scripted.requests), 0);
}

/* ---- what is asked ahead ---- */

static void begin(span_fixture *f) {
  bt_spans_request request = span_fixture_request(f, 0);
  f->ahead = f->before = bt_source_begin(f->source, (bt_asked){BT_AHEAD_BEFORE_SPANS, .spans = &request}, &f->account);
  assert_non_null(f->before);
}

static void end(span_fixture *f) {
  if (f->ahead != f->before) bt_source_drop(f->ahead);
  bt_source_drop(f->before);
  f->ahead = f->before = NULL;
}

static void hasten(span_fixture *f, uint64_t expected) {
  bt_spans_request request = span_fixture_request(f, expected);
  f->ahead = bt_source_begin(f->source, (bt_asked){BT_AHEAD_SPANS, .spans = &request}, &f->account);
  assert_true(f->ahead && f->ahead->status == BT_OK);
}

/* Which traces have many spans is asked once, whoever asks for spans of that range, or of a part of it, and those of
 * another range or filter are asked for themselves. */
static void asks_once_what_was_asked_ahead(void **state) {
  span_fixture *f = *state;
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
  span_fixture *f = *state;
  scripted.crowded_from = 3;
  begin(f);
  f->range = (bt_time_range){FIRST_S * second_ns, (FIRST_S + 20) * second_ns};
  assert_int_equal(find_scripted(f, 0), BT_OK);
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
  span_fixture *f = *state;
  scripted.crowd_status = 503;
  begin(f);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(find_scripted(f, MANY_PARTS), BT_UNAVAILABLE);
    assert_true(strlen(f->error.message) > 0);
  }
  assert_int_equal(scripted_number(&scripted.requests), 0);
  end(f);
}

static void lets_go_of_what_was_asked_ahead(void **state) {
  begin(*state);
  end(*state);
  expect_all(*state, MANY_PARTS);
}

/* What is hastened is asked once, and taken with all that comes of it: parts that are full, and others after them. */
static void takes_what_was_hastened(void **state) {
  span_fixture *f = *state;
  for (int turn = 0; turn < 3; turn++) {
    scripted.crowded_from = turn == 1 ? 3 : 0;
    scripted.largest_rows = turn == 2 ? 60 : 0;
    size_t by_id = turn == 1 ? TRACES / 3 : 0;
    begin(f);
    hasten(f, MANY_PARTS);
    size_t before = scripted_number(&scripted.side_questions);
    expect_each_once(f, MANY_PARTS);
    assert_int_equal(scripted_number(&scripted.side_questions), before);
    if (by_id) assert_in_range(f->by_id, by_id - 5, by_id + 5);
    if (!turn) assert_int_equal(scripted_number(&scripted.requests), 4);
    end(f);
  }
}

static void takes_nothing_else_for_it(void **state) {
  span_fixture *f = *state;
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
  span_fixture *f = *state;
  begin(f);
  hasten(f, MANY_PARTS);
  end(f);
  scripted.refuses_all = true;
  begin(f);
  hasten(f, MANY_PARTS);
  for (int again = 0; again < 2; again++) assert_int_equal(find_scripted(f, MANY_PARTS), BT_REFUSED);
  scripted.refuses_all = false;
  expect_all(f, MANY_PARTS);
  end(f);
  assert_int_equal(f->account.failed_count, 0);
}

static void ends_what_was_hastened_when_it_is_cancelled(void **state) {
  span_fixture *f = *state;
  begin(f);
  hasten(f, MANY_PARTS);
  f->stop_at = 3;
  f->stop_with = BT_OK;
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_CANCELLED);
  assert_true(f->total < TRACES);
  end(f);
}

/* ---- too much for one answer ---- */

static void halves_what_is_full(void **state) {
  assert_int_equal(span_fixture_open(*state, &(bt_tempo_options){.search_limit = 50}), BT_OK);
  expect_all(*state, 0);
  assert_true(scripted.answered > TRACES / 50 && scripted.answered < scripted.requests);
  expect_every_id_asked();
}

/* As many as the limit is full, one fewer is not. */
static void takes_what_is_just_not_full(void **state) {
  span_fixture *f = *state;
  assert_int_equal(span_fixture_open(f, &(bt_tempo_options){.search_limit = TRACES + 1}), BT_OK);
  expect_all(f, 0);
  assert_int_equal(scripted_number(&scripted.requests), 1);
  assert_int_equal(span_fixture_open(f, &(bt_tempo_options){.search_limit = TRACES}), BT_OK);
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
  assert_int_equal(find_scripted(*state, 0), BT_LIMIT);
  assert_true(scripted_number(&scripted.requests) <= 10); /* two are under way */
}

static void ends_where_one_trace_never_fits(void **state) {
  scripted.has_huge = true;
  assert_int_equal(find_scripted(*state, 0), BT_LIMIT);
  assert_true(scripted_number(&scripted.too_large) == 33); /* the whole, and each half of the 32 that it is in */
  assert_true(scripted_number(&scripted.requests) <= 33 * 2);
}

static void ends_where_every_answer_is_full(void **state) {
  span_fixture *f = *state;
  assert_int_equal(span_fixture_open(f, &(bt_tempo_options){.search_limit = 1}), BT_OK);
  assert_int_equal(find_scripted(f, 0), BT_LIMIT);
  assert_true(scripted_number(&scripted.requests) <= 33 * 2);
}

/* ---- limits of Tempo ---- */

static void learns_the_highest_limit(void **state) {
  span_fixture *f = *state;
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
  assert_int_equal(find_scripted(*state, MANY_PARTS), BT_LIMIT);
  assert_true(scripted_number(&scripted.requests) <= 40); /* each time half of it */
}

static void refuses_too_long_a_range(void **state) {
  span_fixture *f = *state;
  scripted.longest_s = 60;
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_LIMIT);
  uint64_t requests = f->account.requests;
  assert_int_equal(scripted_number(&scripted.requests),
                   0); /* the first question, for traces with many spans, was refused */
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_LIMIT);
  assert_int_equal(f->account.requests, requests); /* it was learned */
  assert_int_equal(f->total, 0);
}

static void asks_nothing_of_a_range_known_to_be_too_long(void **state) {
  span_fixture *f = *state;
  assert_int_equal(span_fixture_open(f, &(bt_tempo_options){.max_range_ns = (LENGTH_S - 1) * second_ns}), BT_OK);
  assert_int_equal(find_scripted(f, 0), BT_LIMIT);
  assert_int_equal(f->account.requests, 0);
  assert_int_equal(span_fixture_open(f, &(bt_tempo_options){.max_range_ns = LENGTH_S * second_ns}), BT_OK);
  expect_all(f, 0);
}

static void asks_nothing_that_one_answer_cannot_hold(void **state) {
  span_fixture *f = *state;
  f->fields[1] = (bt_projected){BT_PROJECTED_RESOURCE, {"n", 1}};
  f->projection.attribute_count = 2;
  assert_int_equal(find_scripted(f, 0), BT_LIMIT);
  f->projection.attribute_count = 1;
  f->projection.whole_trace = true;
  assert_int_equal(find_scripted(f, 0), BT_LIMIT);
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
  assert_int_equal(find_scripted(*state, MANY_PARTS), BT_UNAVAILABLE);
  assert_int_equal(((span_fixture *)*state)->total, 0);
}

static void expect_unavailable(span_fixture *f) {
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_UNAVAILABLE);
  assert_null(strstr(f->error.message, "10.0.0.1"));
  assert_non_null(strstr(f->error.message, "503"));
}

static void says_that_tempo_is_down(void **state) {
  scripted.down_from = 1;
  expect_unavailable(*state);
  assert_int_equal(((span_fixture *)*state)->total, 0);
}

static void says_that_tempo_went_down(void **state) {
  scripted.down_from = 4;
  expect_unavailable(*state);
  assert_true(((span_fixture *)*state)->total < TRACES);
}

static void says_that_tempo_refuses(void **state) {
  span_fixture *f = *state;
  scripted.refuses_all = true;
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_REFUSED);
  assert_non_null(strstr(f->error.message, "no such field"));
  assert_int_equal(f->total, 0);
}

/* ---- what is not to be judged ---- */

static void expect_doubt(span_fixture *f, bool is_doubted) {
  expect_each_once(f, MANY_PARTS);
  assert_int_equal(f->by_id, is_doubted);
  if (is_doubted) assert_int_equal(f->doubted, ODD);
}

static void doubts_what_looks_like_our_own(void **state) {
  static const char *const names[] = {"betrace.violation", "betrace.watch", "betrace.report"};
  span_fixture *f = *state;
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
  span_fixture *f = *state;
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
  span_fixture *f = *state;
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
  span_fixture *f = *state;
  f->stop_at = 3;
  for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
    f->stop_with = says[i];
    assert_int_equal(find_scripted(f, MANY_PARTS), says[i]);
    assert_string_equal(f->error.message, "the sink has enough");
    assert_int_equal(f->total, 3);
  }
}

static void ends_when_it_is_cancelled(void **state) {
  span_fixture *f = *state;
  f->stop_at = 3; /* sets the flag, and goes on */
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_CANCELLED);
  assert_true(f->total < TRACES);
  assert_int_equal(find_scripted(f, MANY_PARTS), BT_CANCELLED);
  assert_int_equal(f->total, 0);
}

/* ---- what is asked ---- */

static void selects_what_the_rule_reads(void **state) {
  span_fixture *f = *state;
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
    assert_non_null(
        strstr(scripted.query, " && (span.betrace.none != nil || span.n =~ ")); /* what a filter tests is given */
    assert_non_null(strstr(scripted.query, " || span.n >= 0.0 || ")); /* of a version that was not checked: any type */
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
  span_fixture *f = *state;
  f->apart = BT_APART_BY_ID;
  expect_all(f, 0);
  expect_stages(" } | by(span:id) | select(name, status, span:parentID, resource.service.name)", BT_READ_SPANS_PER_SET);
  assert_int_equal(scripted_number(&scripted.side_questions), 1);
}

/* Then many spans of one trace cost no square, and nobody looks for such traces. */
static void asks_for_wide_sets_of_spans_that_are_not_kept_apart(void **state) {
  span_fixture *f = *state;
  f->apart = BT_APART_NOT;
  expect_all(f, MANY_PARTS);
  expect_stages(" } | select(name, kind, status, span:parentID, resource.service.name)", 100);
  assert_int_equal(scripted_number(&scripted.side_questions), 0);
  assert_int_equal(scripted_number(&scripted.requests), 4);
}

static void keeps_spans_apart_where_wide_sets_are_refused(void **state) {
  span_fixture *f = *state;
  f->apart = BT_APART_NOT;
  scripted.most_per_set = 10;
  expect_all(f, 0);
  expect_stages(" } | by(span:id) | by(kind) | select(name, status, span:parentID, resource.service.name)",
                BT_READ_SPANS_PER_SET);
  size_t before = scripted_number(&scripted.requests);
  expect_all(f, 0);
  assert_int_equal(scripted_number(&scripted.requests), before + 1); /* it has learned that */
}

static void keeps_spans_apart_where_what_was_begun_is_refused(void **state) {
  span_fixture *f = *state;
  f->apart = BT_APART_NOT;
  scripted.most_per_set = 10;
  for (size_t requests = 2; requests <= 3; requests++) { /* it learns that */
    hasten(f, 0);
    expect_all(f, 0);
    end(f);
    assert_int_equal(scripted_number(&scripted.requests), requests);
  }
}

/* What is refused either way is not called a refusal of wide sets. */
static void learns_nothing_where_both_are_refused(void **state) {
  span_fixture *f = *state;
  f->apart = BT_APART_NOT;
  scripted.refuses_all = true;
  assert_int_equal(find_scripted(f, 0), BT_REFUSED);
  scripted.refuses_all = false;
  expect_all(f, 0);
  expect_stages(" } | select(name, kind, status, span:parentID, resource.service.name)", 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {SPAN_TEST(one_part_of_what_is_not_expected),
                                     SPAN_TEST(one_part_of_few),
                                     SPAN_TEST(two_parts_of_some),
                                     SPAN_TEST(one_part_beside_another_question),
                                     SPAN_TEST(two_parts_beside_another_question),
                                     SPAN_TEST(four_parts_of_more),
                                     SPAN_TEST(as_many_parts_as_may_be_of_millions),
                                     SPAN_TEST(no_more_parts_of_any_number),
                                     SPAN_TEST(drops_what_belongs_to_another_part),
                                     SPAN_TEST(joins_the_pieces_of_a_trace),
                                     SPAN_TEST(gives_nothing_of_an_empty_range),
                                     SPAN_TEST(leaves_out_traces_with_many_spans),
                                     SPAN_TEST(learns_nothing_from_a_failure),
                                     SPAN_TEST(gives_none_twice_that_a_store_does_not_leave_out),
                                     SPAN_TEST(leaves_out_none_where_a_store_cannot_count),
                                     SPAN_TEST(asks_nothing_more_where_that_question_fails),
                                     SPAN_TEST(ends_where_most_have_many_spans),
                                     SPAN_TEST(asks_once_what_was_asked_ahead),
                                     SPAN_TEST(gives_of_a_part_what_lies_in_it),
                                     SPAN_TEST(a_failure_ahead_is_told),
                                     SPAN_TEST(lets_go_of_what_was_asked_ahead),
                                     SPAN_TEST(takes_what_was_hastened),
                                     SPAN_TEST(takes_nothing_else_for_it),
                                     SPAN_TEST(lets_go_of_what_was_hastened),
                                     SPAN_TEST(ends_what_was_hastened_when_it_is_cancelled),
                                     SPAN_TEST(halves_what_is_full),
                                     SPAN_TEST(takes_what_is_just_not_full),
                                     SPAN_TEST(halves_what_is_too_large),
                                     SPAN_TEST(halves_what_is_larger_than_a_body_may_be),
                                     SPAN_TEST(does_not_halve_what_has_no_end),
                                     SPAN_TEST(ends_where_one_trace_never_fits),
                                     SPAN_TEST(ends_where_every_answer_is_full),
                                     SPAN_TEST(learns_the_highest_limit),
                                     SPAN_TEST(ends_where_no_limit_is_low_enough),
                                     SPAN_TEST(refuses_too_long_a_range),
                                     SPAN_TEST(asks_nothing_of_a_range_known_to_be_too_long),
                                     SPAN_TEST(asks_nothing_that_one_answer_cannot_hold),
                                     SPAN_TEST(asks_again_for_what_broke_off),
                                     SPAN_TEST(says_what_stays_broken),
                                     SPAN_TEST(says_that_tempo_is_down),
                                     SPAN_TEST(says_that_tempo_went_down),
                                     SPAN_TEST(says_that_tempo_refuses),
                                     SPAN_TEST(doubts_what_looks_like_our_own),
                                     SPAN_TEST(doubts_what_lacks_a_field_that_was_asked_for),
                                     SPAN_TEST(doubts_what_is_ambiguous),
                                     SPAN_TEST(ends_with_what_the_sink_says),
                                     SPAN_TEST(ends_when_it_is_cancelled),
                                     SPAN_TEST(selects_what_the_rule_reads),
                                     SPAN_TEST(keeps_spans_of_one_kind_apart_by_id),
                                     SPAN_TEST(asks_for_wide_sets_of_spans_that_are_not_kept_apart),
                                     SPAN_TEST(keeps_spans_apart_where_wide_sets_are_refused),
                                     SPAN_TEST(keeps_spans_apart_where_what_was_begun_is_refused),
                                     SPAN_TEST(learns_nothing_where_both_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
