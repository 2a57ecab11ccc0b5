/* See search_scene.h. */
#include "tests/tempo/search_scene.h"

size_t request_count(void) {
  pthread_mutex_lock(&scripted.mutex);
  size_t count = scripted.requests;
  pthread_mutex_unlock(&scripted.mutex);
  return count;
}

void answer_with(fault (*choose)(fake_tempo *, int64_t, int64_t)) {
  pthread_mutex_lock(&scripted.mutex);
  scripted.choose = choose;
  pthread_mutex_unlock(&scripted.mutex);
}

int set_up(void **state) {
  static fixture f;
  f = (fixture){0};
  scripted = (fake_tempo){.random = 1};
  pthread_mutex_init(&scripted.mutex, NULL);
  f.server = fake_server_start(scripted_answer, NULL);
  bt_http_options options = {.concurrency = 2};
  *state = &f;
  return f.server && bt_http_client_new(&options, &f.client, &f.error) == BT_OK ? 0 : -1;
}

void open_source(fixture *f, uint32_t limit, int64_t timeout_ms) {
  bt_tempo_options options = {
      .url = fake_server_url(f->server), .search_limit = limit, .timeout_ms = timeout_ms, .pause_ms = 5};
  assert_int_equal(bt_tempo_source_new(f->client, &options, &f->source, &f->error), BT_OK);
}

int tear_down(void **state) {
  fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  bt_found_list_dispose(&f->found);
  bt_source_account_dispose(&f->account);
  pthread_mutex_destroy(&scripted.mutex);
  return 0;
}

void add_trace(const char *hex, int64_t start_s, int64_t end_s) {
  fake_trace *trace = &scripted.traces[scripted.count++];
  assert_true(bt_trace_id_parse(bt_str_from(hex), &trace->id));
  trace->start_s = start_s;
  trace->end_s = end_s;
}

void add_random_traces(size_t count, int64_t start_s, int64_t spread_s, const char *prefix) {
  for (size_t i = 0; i < count; i++) {
    char hex[64];
    snprintf(hex, sizeof hex, "%s%08llx%08zx", prefix, (unsigned long long)scripted_random(), scripted.count);
    int64_t at_s = start_s + (spread_s ? (int64_t)(scripted_random() % (uint64_t)spread_s) : 0);
    add_trace(hex, at_s, at_s + (int64_t)(scripted_random() % 3));
  }
}

bt_search_request request_all(void) {
  return (bt_search_request){
      .query = bt_query_all(),
      .range = {FIRST_S * second_ns + second_ns / 2, (FIRST_S + SPAN_S) * second_ns - second_ns / 2}};
}

bt_status search(fixture *f) {
  bt_search_request request = request_all();
  return bt_source_search(f->source, &request, &f->found, &f->account, &f->error);
}

bool is_said_to_be_unread(const fixture *f, const fake_trace *trace) {
  for (size_t i = 0; i < f->account.failed_count; i++) {
    const bt_time_range *range = &f->account.failed[i].range;
    if (trace->start_s * second_ns <= range->end_ns && trace->end_s * second_ns >= range->start_ns) return true;
  }
  return false;
}

size_t check_nothing_is_lost(const fixture *f) {
  size_t found = 0;
  bt_search_request request = request_all();
  for (size_t i = 0; i < scripted.count; i++) {
    const fake_trace *trace = &scripted.traces[i];
    bool is_in_range =
        trace->start_s * second_ns < request.range.end_ns && trace->end_s * second_ns >= request.range.start_ns;
    bool is_found = bt_found_list_get(&f->found, &trace->id) != NULL;
    found += is_found;
    if (is_in_range && !is_found && !is_said_to_be_unread(f, trace))
      fail_msg("trace %zu is neither found nor said to be unread", i);
  }
  assert_int_equal(f->found.count, found); /* none twice, none that there is not */
  for (size_t i = 0; i < f->account.failed_count; i++) {
    assert_true(f->account.failed[i].range.start_ns >= request.range.start_ns);
    assert_true(f->account.failed[i].range.end_ns <= request.range.end_ns);
    assert_true(f->account.failed[i].range.start_ns < f->account.failed[i].range.end_ns);
    assert_true(f->account.failed[i].reason[0]);
    assert_null(strstr(f->account.failed[i].reason, "10.0.0.1"));
  }
  return found;
}

void expect_all(fixture *f) {
  assert_int_equal(search(f), BT_OK);
  assert_int_equal(f->account.failed_count, 0);
  assert_int_equal(check_nothing_is_lost(f), scripted.count);
}

static const bt_filter pattern = {.kind = BT_FILTER_TEST,
                                  .test = {.field = BT_FILTER_SPAN,
                                           .key = {"k", 1},
                                           .op = BT_FILTER_REGEX,
                                           .literal = {.type = BT_VALUE_STRING, .string = {"a.*", 3}}}};

bt_status search_pattern(fixture *f, bool may_widen) {
  bt_search_request request = request_all();
  request.query = (bt_query){.filter = &pattern};
  request.may_widen = may_widen;
  return bt_source_search(f->source, &request, &f->found, &f->account, &f->error);
}
