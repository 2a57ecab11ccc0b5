/* Cases that ask the scene's store in other ways than by whole ranges: filters, spans, questions ahead, cancellation,
 * failures, and what the store promises of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "tests/support/asked.h"
#include "tests/tempo/conformance_asking.h"
#include "tests/tempo/conformance_cases.h"
#include "tests/tempo/conformance_scene.h"

static bt_projected amount_field[] = {{BT_PROJECTED_SPAN, {"amount", 6}}};
static const bt_projection amounts = {.status = true, .attributes = amount_field, .attribute_count = 1};

static bt_time_range whole(void) {
  return (bt_time_range){start_of(0) - ROUND_S * second_ns, start_of(TRACES) + ROUND_S * second_ns};
}

static bt_query some_charge(void) {
  return asked_rule("trace.has(span.name == \"charge\")");
}

static size_t index_of(const bt_trace_id *id) {
  size_t i = 0;
  while (i < TRACES && bt_trace_id_compare(&scene.ids[i], id) != 0) i++;
  return i;
}

/* ---- promises ---- */

/* Which operations are there follows from what is promised. */
void test_promises_agree(void **state) {
  (void)state;
  bt_cancel cancel;
  atomic_init(&cancel.requested, false);
  const bt_source_operations *operations = scene.source->operations;
  bt_promises promises = bt_source_promises(scene.source, BT_PROMISES_ALL, &cancel);
  bt_promises known = bt_source_known(scene.source);
  assert_string_equal(promises.about.kind, scene.source->name);
  assert_string_equal(known.about.version, promises.about.version);
  assert_true(known.generation == promises.generation);
  assert_true(known.filters == promises.filters && known.projects == promises.projects);
  assert_true(promises.hidden_tail_ns >= 0 && promises.late.in_time.hidden_ns >= 0);
  assert_true(promises.about.is_checked || promises.about.note[0]);
  if (promises.is_static) assert_true(!promises.hidden_tail_ns && !promises.late.in_time.hidden_ns);
  assert_true(operations->search && operations->read && operations->find_linking && operations->check &&
              operations->free);
  assert_true(!promises.projects || operations->find_spans);
  assert_true(!promises.filters || operations->dialect);
}

/* ---- ranges, limits, filters ---- */

static bool is_own(const bt_trace_id *id) {
  return scene.kind->lists_own && bt_trace_id_compare(id, &scene.own_id) == 0;
}

/* Whatever a range is cut into, each trace is in some part, and in no part that it does not touch. */
void test_adjacent_windows_find_everything(void **state) {
  (void)state;
  for (int64_t step_ns = 7 * second_ns + 1; step_ns < 200 * second_ns; step_ns *= 3) {
    size_t seen[TRACES] = {0};
    for (int64_t at = whole().start_ns; at < whole().end_ns; at += step_ns) {
      bt_found_list found = ask_search(scene.source, some_charge(), (bt_time_range){at, at + step_ns}, tenant_a);
      for (size_t i = 0; i < found.count; i++) {
        size_t index = index_of(&found.items[i].id);
        assert_true(index < TRACES || is_own(&found.items[i].id));
        if (index < TRACES) seen[index]++;
      }
      bt_found_list_dispose(&found);
    }
    for (size_t i = 0; i < TRACES; i++)
      if (!seen[i]) fail_msg("trace %zu lies in no window of %lld ns", i, (long long)step_ns);
  }
}

static bt_status search_below(size_t max_found, bt_query query, size_t *count) {
  bt_search_request request = {.query = query, .range = whole(), .tenant = tenant_a, .max_found = max_found};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_search(scene.source, &request, &found, &account, &error);
  *count = found.count;
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  assert_int_equal(account.failed_count, 0);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return status;
}

/* What a filter leaves out does not count. */
void test_limits_of_filters(void **state) {
  (void)state;
  bt_query few = asked_rule("trace.has(span.amount < 5)");
  bool filters = bt_source_known(scene.source).filters;
  size_t count = 0, few_found = scene.kind->widens_strict ? 6 : 5, found = filters ? few_found : all_of_scene();
  assert_int_equal(search_below(0, few, &count), BT_OK);
  assert_int_equal(count, found);
  assert_int_equal(search_below(found + 1, few, &count), BT_OK);
  assert_int_equal(search_below(found, few, &count), BT_OK);
  assert_int_equal(count, found);
  assert_int_equal(search_below(found - 1, few, &count), BT_LIMIT);
  assert_int_equal(search_below(1, few, &count), BT_LIMIT);
}

/* A filter of the name, the kind, the status, a number and the service: exact, or every trace. */
void test_filters_that_name_one(void **state) {
  static const struct {
    const char *condition;
    size_t count;
  } rows[] = {{"trace.has(span.name == \"charge\")", TRACES},
              {"trace.has(span.name == \"refund\")", 0},
              {"trace.has(span.kind == client)", TRACES},
              {"trace.has(span.kind == producer)", 0},
              {"trace.has(span.status == error and span.kind == client)", TRACES},
              {"trace.has(span.status == ok)", 0},
              {"trace.has(span.amount == 7)", 1},
              {"trace.has(span.amount >= 37)", 3},
              {"trace.has(span.service == \"pay\" and span.amount <= 1)", 2},
              {"trace.has(span.service == \"shop\" and span.amount <= 1)", 0},
              {"trace.has(span.duration > 2500ms)", TRACES},
              {"trace.has(span.duration > 3500ms)", 0}};
  (void)state;
  bool filters = bt_source_known(scene.source).filters;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_found_list found = ask_search(scene.source, asked_rule(rows[i].condition), whole(), tenant_a);
    bool is_right = found.count == (filters ? rows[i].count : all_of_scene());
    if (!is_right) fail_msg("%s finds %zu traces", rows[i].condition, found.count);
    bt_found_list_dispose(&found);
  }
}

/* ---- some spans ---- */

static const char no_spans[] = "it does not give some spans of a trace (promise `projects`)";

typedef struct spans_seen {
  size_t traces[TRACES], spans, charges, doubtful;
} spans_seen;

static void see_spans(spans_seen *s, const bt_trace_id *id, const bt_trace *trace) {
  size_t index = index_of(id);
  assert_true(index < TRACES);
  s->traces[index]++;
  for (uint32_t i = 0; trace && i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    s->spans++;
    if (!bt_str_equal(span->name, BT_STR("charge"))) continue;
    s->charges++;
    const bt_value *amount = bt_attributes_find(&span->attributes, BT_STR("amount"));
    assert_non_null(amount);
    assert_int_equal(store_integer(scene.kind, amount), index);
    assert_true(span->start_ns == start_of(index) + child_at_ns && bt_span_duration_ns(span) == child_ns);
  }
}

static bt_status see_found_spans(void *context, const bt_found_spans *given, bt_error *error) {
  (void)error;
  assert_false(given->needs_by_id);
  assert_non_null(given->trace);
  see_spans(context, &given->found.id, given->trace);
  return BT_OK;
}

static bt_status find_spans(const bt_spans_request *request, spans_seen *seen) {
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_find_spans(scene.source, request, see_found_spans, seen, &account, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  bt_source_account_dispose(&account);
  return status;
}

static bt_spans_request spans_of(bt_query query) {
  return (bt_spans_request){.spans = {.asked = query, .apart = BT_APART_BY_KIND},
                            .range = whole(),
                            .projection = &amounts,
                            .tenant = tenant_a,
                            .rule_id = "a rule"};
}

static void check_charges(const spans_seen *seen, size_t first, size_t end) {
  for (size_t i = 0; i < TRACES; i++) assert_int_equal(seen->traces[i], i >= first && i < end);
  assert_int_equal(seen->charges, end - first);
}

/* At once, and with what has to be known asked ahead. */
void test_finds_spans(void **state) {
  (void)state;
  if (!scene.source->operations->find_spans) store_does_not_apply(scene.kind, no_spans);
  spans_seen seen = {0}, few = {0}, both = {0}, none = {0}, ahead = {0};
  bt_spans_request request = spans_of(some_charge());
  bt_status status = find_spans(&request, &seen);
  if (status == BT_LIMIT && !bt_source_known(scene.source).projects) store_does_not_apply(scene.kind, no_spans);
  assert_int_equal(status, BT_OK);
  check_charges(&seen, 0, TRACES);
  request = spans_of(asked_rule("trace.has(span.name == \"charge\" and span.amount < 3)"));
  assert_int_equal(find_spans(&request, &few), BT_OK);
  check_charges(&few, 0, scene.kind->widens_strict ? 4 : 3);
  request = spans_of(asked_rule("trace.has(span.name == \"charge\" or span.name == \"checkout\")"));
  assert_int_equal(find_spans(&request, &both), BT_OK);
  check_charges(&both, 0, TRACES);
  assert_int_equal(both.spans, 2 * TRACES);
  request.range = (bt_time_range){start_of(5), start_of(5)};
  assert_int_equal(find_spans(&request, &none), BT_OK);
  assert_int_equal(none.spans, 0);
  bt_source_account account = {0};
  request = spans_of(some_charge());
  bt_ahead *before = bt_source_begin(scene.source, (bt_asked){BT_AHEAD_BEFORE_SPANS, .spans = &request}, &account);
  request.ahead = before;
  assert_int_equal(find_spans(&request, &ahead), BT_OK);
  check_charges(&ahead, 0, TRACES);
  bt_ahead *begun = bt_source_begin(scene.source, (bt_asked){BT_AHEAD_SPANS, .spans = &request}, &account);
  if (begun) request.ahead = begun;
  ahead = (spans_seen){0};
  assert_int_equal(find_spans(&request, &ahead), BT_OK);
  check_charges(&ahead, 0, TRACES);
  bt_source_drop(begun);
  bt_source_drop(before);
  bt_source_account_dispose(&account);
}

/* A day is divided where so many traces are expected, and the parts meet in the middle of these. Each is given once. */
void test_finds_spans_in_parts(void **state) {
  (void)state;
  enum { HOUR_S = 3600, PARTS = 4, EXPECTED = 35000 };
  if (!scene.source->operations->find_spans) store_does_not_apply(scene.kind, no_spans);
  for (size_t seam = 5; seam < TRACES; seam += TRACES / 3) {
    spans_seen seen = {0};
    bt_spans_request request = spans_of(some_charge());
    int64_t own_ns = (int64_t)HOUR_S * 24 / PARTS * second_ns;
    request.range = (bt_time_range){start_of(seam) - 3 * own_ns, start_of(seam) + own_ns};
    request.expected = EXPECTED;
    request.longest_ns = (int64_t)HOUR_S / 4 * second_ns;
    bt_status status = find_spans(&request, &seen);
    if (status == BT_LIMIT && !bt_source_known(scene.source).projects) store_does_not_apply(scene.kind, no_spans);
    assert_int_equal(status, BT_OK);
    check_charges(&seen, 0, TRACES);
  }
}

static bt_status see_read_spans(void *context, const bt_read_trace *read, bt_error *error) {
  spans_seen *seen = context;
  (void)error;
  seen->doubtful += read->needs_by_id;
  see_spans(seen, &scene.ids[read->index], read->needs_by_id ? NULL : read->trace);
  return BT_OK;
}

/* Each trace of the ids is given, also where none of its spans is asked for. */
void test_reads_some_spans(void **state) {
  (void)state;
  if (!bt_source_known(scene.source).projects) store_does_not_apply(scene.kind, no_spans);
  spans_seen seen = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_query asked = asked_rule("trace.has(span.name == \"charge\" and span.amount < 10)");
  bt_read_request request = {.ids = scene.ids,
                             .count = TRACES,
                             .range = whole(),
                             .projection = &amounts,
                             .spans = {.asked = asked, .apart = BT_APART_BY_KIND},
                             .tenant = tenant_a};
  assert_int_equal(bt_source_read(scene.source, &request, see_read_spans, &seen, &account, &error), BT_OK);
  for (size_t i = 0; i < TRACES; i++) assert_int_equal(seen.traces[i], 1);
  assert_true(seen.charges + seen.doubtful >= 10);
  bt_source_account_dispose(&account);
}

/* ---- questions ahead ---- */

/* Some are finished in another order than they were begun in, some are dropped. */
void test_searches_ahead(void **state) {
  (void)state;
  enum { JOBS = 6 };
  bt_search_request requests[JOBS];
  bt_found_list found[JOBS] = {{0}};
  bt_source_account accounts[JOBS] = {{0}};
  bt_ahead *begun[JOBS];
  bt_error error = {0};
  assert_true(bt_source_searches_at_once(scene.source) >= 1);
  for (int i = 0; i < JOBS; i++) {
    requests[i] = (bt_search_request){.query = some_charge(), .range = whole(), .tenant = tenant_a};
    requests[i].range.end_ns = start_of((size_t)(i + 1) * 6);
    begun[i] = bt_source_begin(scene.source, (bt_asked){BT_AHEAD_SEARCH, .search = &requests[i]}, &accounts[i]);
  }
  for (int i = JOBS - 1; i >= 0; i--) {
    if (i % 3 != 1) {
      requests[i].ahead = begun[i];
      bt_status status = bt_source_search(scene.source, &requests[i], &found[i], &accounts[i], &error);
      bt_found_list alone = ask_search(scene.source, some_charge(), requests[i].range, tenant_a);
      assert_int_equal(status, BT_OK);
      assert_int_equal(accounts[i].failed_count, 0);
      assert_true(alone.count >= (size_t)(i + 1) * 6);
      assert_holds(&found[i], &alone, "a search that was begun");
      assert_holds(&alone, &found[i], "a search at once");
      bt_found_list_dispose(&alone);
    }
    bt_source_drop(begun[i]);
    bt_found_list_dispose(&found[i]);
    bt_source_account_dispose(&accounts[i]);
  }
}

/* What is taken from a read that was begun is what a read gives; what nobody takes does no harm. */
void test_reads_ahead(void **state) {
  (void)state;
  spans_seen seen = {0};
  bt_source_account account = {0}, own = {0};
  bt_error error = {0};
  bt_read_request request = {.ids = scene.ids, .count = TRACES, .range = whole(), .by_id = true, .tenant = tenant_a};
  bt_ahead *ahead = bt_source_begin(scene.source, (bt_asked){BT_AHEAD_BY_ID, .read = &request}, &account);
  request.ahead = ahead;
  assert_int_equal(bt_source_read(scene.source, &request, see_read_spans, &seen, &own, &error), BT_OK);
  bt_source_drop(ahead);
  for (size_t i = 0; i < TRACES; i++) assert_int_equal(seen.traces[i], 1);
  assert_int_equal(seen.spans, 2 * TRACES);
  assert_int_equal(seen.doubtful, 0);
  request.ahead = NULL;
  bt_source_drop(bt_source_begin(scene.source, (bt_asked){BT_AHEAD_BY_ID, .read = &request}, &account));
  bt_source_account_dispose(&account);
  bt_source_account_dispose(&own);
}

/* ---- cancellation ---- */

void test_cancel_of_links_and_spans(void **state) {
  (void)state;
  bt_cancel cancel;
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  atomic_init(&cancel.requested, true);
  bt_links_request links = {.ids = scene.ids, .count = TRACES, .range = whole(), .tenant = tenant_a, .cancel = &cancel};
  assert_int_equal(bt_source_find_linking(scene.source, &links, &found, &account, &error), BT_CANCELLED);
  assert_true(error.message[0] != '\0');
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  if (!scene.source->operations->find_spans) return;
  spans_seen seen = {0};
  bt_spans_request request = spans_of(some_charge());
  request.cancel = &cancel;
  assert_int_equal(find_spans(&request, &seen), BT_CANCELLED);
}

typedef struct cancelling {
  bt_cancel cancel;
  size_t given;
} cancelling;

static bt_status cancel_after_three(void *context, const bt_read_trace *read, bt_error *error) {
  cancelling *c = context;
  (void)read;
  (void)error;
  if (++c->given == 3) atomic_store(&c->cancel.requested, true);
  return BT_OK;
}

static void *cancel_soon(void *cancel) {
  nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
  atomic_store(&((bt_cancel *)cancel)->requested, true);
  return NULL;
}

/* It ends as cancelled, or it had everything. */
void test_cancel_during(void **state) {
  (void)state;
  for (int by_id = 0; by_id < 2; by_id++) {
    cancelling c = {.given = 0};
    bt_source_account account = {0};
    bt_error error = {0};
    atomic_init(&c.cancel.requested, false);
    bt_read_request request = {.ids = scene.ids,
                               .count = TRACES,
                               .range = whole(),
                               .projection = by_id ? NULL : &amounts,
                               .by_id = by_id,
                               .tenant = tenant_a,
                               .cancel = &c.cancel};
    bt_status status = bt_source_read(scene.source, &request, cancel_after_three, &c, &account, &error);
    if (status != BT_CANCELLED) assert_int_equal(status, BT_OK);
    if (status == BT_OK) assert_int_equal(c.given, TRACES);
    bt_source_account_dispose(&account);
  }
  for (int turn = 0; turn < 10; turn++) {
    bt_cancel cancel;
    pthread_t thread;
    bt_found_list found = {0};
    bt_source_account account = {0};
    bt_error error = {0};
    atomic_init(&cancel.requested, false);
    bt_search_request request = {.query = some_charge(), .range = whole(), .tenant = tenant_a, .cancel = &cancel};
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    bt_status status = bt_source_search(scene.source, &request, &found, &account, &error);
    pthread_join(thread, NULL);
    if (status != BT_CANCELLED) assert_int_equal(status, BT_OK);
    if (status == BT_OK) assert_int_equal(found.count, bt_source_known(scene.source).filters ? TRACES : all_of_scene());
    bt_found_list_dispose(&found);
    bt_source_account_dispose(&account);
  }
}

/* ---- failures ---- */

static bool is_in_failed(const bt_source_account *account, size_t trace) {
  for (size_t i = 0; i < account->failed_count; i++) {
    bt_time_range range = account->failed[i].range;
    if (start_of(trace) < range.end_ns && end_of(trace) >= range.start_ns) return true;
  }
  return false;
}

/* Every trace that has to be found is, or the account names its time, or the whole question failed. */
static void check_said(bt_status status, const bt_error *error, bt_found_list *found, bt_source_account *account) {
  if (status != BT_OK) assert_true(error->message[0] != '\0');
  for (size_t i = 0; status == BT_OK && i < TRACES; i++)
    if (!bt_found_list_get(found, &scene.ids[i]) && !is_in_failed(account, i))
      fail_msg("trace %zu is not found, and nothing is said of it", i);
  for (size_t i = 0; i < account->failed_count; i++) assert_true(account->failed[i].reason[0] != '\0');
  bt_found_list_dispose(found);
  bt_source_account_dispose(account);
}

typedef struct told {
  size_t calls[TRACES];
} told;

static bt_status tell(void *context, const bt_read_trace *read, bt_error *error) {
  told *t = context;
  (void)error;
  t->calls[read->index]++;
  if (!read->trace && !read->needs_by_id) fail_msg("trace %zu is said not to be there", read->index);
  return BT_OK;
}

static void check_reads_said(bt_source *source, bool by_id) {
  told t = {{0}};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_read_request request = {.ids = scene.ids,
                             .count = TRACES,
                             .range = whole(),
                             .projection = by_id ? NULL : &amounts,
                             .by_id = by_id,
                             .tenant = tenant_a};
  bt_status status = bt_source_read(source, &request, tell, &t, &account, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  for (size_t i = 0; i < TRACES; i++) assert_true(t.calls[i] <= 1 && (status != BT_OK || t.calls[i] == 1));
  bt_source_account_dispose(&account);
}

/* A store that cannot give all of it says so, whatever it is asked; several times, since it may fail in several ways.
 */
void test_failures_are_said(void **state) {
  (void)state;
  store broken;
  bt_error error = {0};
  bt_status status = store_break(&scene.store, &broken, &error);
  if (status != BT_OK) assert_true(error.message[0] != '\0');
  for (int turn = 0; status == BT_OK && turn < 3; turn++) {
    bt_found_list found = {0};
    bt_source_account account = {0};
    bt_search_request search = {.query = some_charge(), .range = whole(), .tenant = tenant_a};
    bt_status ended = bt_source_search(broken.source, &search, &found, &account, &error);
    check_said(ended, &error, &found, &account);
    bt_links_request links = {.ids = scene.ids, .count = TRACES, .range = whole(), .tenant = tenant_a};
    ended = bt_source_find_linking(broken.source, &links, &found, &account, &error);
    check_said(ended, &error, &found, &account);
    check_reads_said(broken.source, false);
    check_reads_said(broken.source, true);
    if (!broken.source->operations->find_spans) continue;
    spans_seen seen = {0};
    bt_spans_request request = spans_of(some_charge());
    ended = bt_source_find_spans(broken.source, &request, see_found_spans, &seen, &account, &error);
    if (ended == BT_OK) check_charges(&seen, 0, TRACES);
    bt_source_account_dispose(&account);
  }
  store_end(&broken);
}
