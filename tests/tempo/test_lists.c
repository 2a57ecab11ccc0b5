/* Reads in batches over blocks that hold lists in columns, where an array is given as its last element: a fake Tempo
 * answers as vParquet5 does (tests/facts/facts_columns.py). Whatever the values are, no array passes for a plain value;
 * and what is none is not read by id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/list_elements.h"
#include "tempo/api/tempo_source.h"
#include "tests/support/fake_http.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { TRACES = 120, ELEMENTS_MAX = 4, FIRST_S = 1000, KEYS = 2, ROUNDS = ROUNDS_OF(40, 12) };

static const int64_t second_ns = 1000000000;
static const char *const keys[KEYS] = {"m", "n"};

/* What a span has under one key: elements of one type, the last of which is given. */
typedef struct held {
  char elements[ELEMENTS_MAX][24];
  size_t count; /* 0: nothing */
  bool is_number;
} held;

typedef struct script {
  pthread_mutex_t mutex;
  held traces[TRACES][KEYS];
  bool is_of_column;            /* else a span without it shows that there is none */
  size_t older;                 /* so many traces have a second span besides, in a block that knows no column */
  int elements_status;          /* 0: answered */
  size_t most_ids;              /* a question that names more is too long; 0: any */
  size_t requests, by_elements; /* all of them, and those that leave something out */
} script;

static script s;

/* ---- the fake Tempo ---- */

static bt_trace_id id_of(size_t i) {
  bt_trace_id id = {{1}};
  id.bytes[15] = (uint8_t)i;
  return id;
}

/* The regular expression in the quotes at `at`, without Go's escapes. */
static void read_pattern(const char *at, char *out) {
  char *end = out;
  *end++ = '^';
  *end++ = '(';
  for (at = strchr(at, '"') + 1; *at != '"'; at++) {
    if (*at == '\\') at++;
    *end++ = *at;
  }
  memcpy(end, ")$", 3);
}

static bool matches(const char *pattern, const char *text) {
  regex_t regex;
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) fail_msg("%s is no regex", pattern);
  bool matched = regexec(&regex, text, 0, NULL, 0) == 0;
  regfree(&regex);
  return matched;
}

/* The last element that the query asks for; NULL: none, or the query does not ask about the key. */
static const char *last_left(const char *query, size_t key, const held *of) {
  static char pattern[65536];
  char text_test[24], number_test[24];
  snprintf(text_test, sizeof text_test, "span.%s !~ ", keys[key]);
  snprintf(number_test, sizeof number_test, "span.%s != ", keys[key]);
  const char *texts = strstr(query, text_test), *number = strstr(query, number_test), *last = NULL;
  if (texts) read_pattern(texts, pattern);
  for (size_t i = 0; i < of->count; i++) {
    const char *element = of->elements[i];
    if (texts && !of->is_number && !matches(pattern, element)) last = element;
    if (number && of->is_number && strtoll(number + strlen(number_test), NULL, 10) != strtoll(element, NULL, 10))
      last = element;
  }
  return last;
}

static void append_value(bt_buffer *out, const char *key, const char *value, bool is_number) {
  bt_buffer_printf(out, ",{\"key\":\"%s\",\"value\":{\"%s\":\"%s\"}}", key, is_number ? "intValue" : "stringValue",
                   value);
}

static void append_span(bt_buffer *out, size_t i, const char *query, size_t *spans) {
  bool leaves_out = strstr(query, "!~") || strstr(query, "!= ") > strstr(query, "trace:id");
  bool is_read = strstr(query, "span:parentID") != NULL, selects = strstr(query, "childCount") != NULL;
  static const char older[] =
      ",{\"spanID\":\"ff\",\"name\":\"b\",\"startTimeUnixNano\":\"1000000000000\",\"durationNanos\":\"5\","
      "\"attributes\":[{\"key\":\"kind\",\"value\":{\"stringValue\":\"client\"}},{\"key\":\"status\",\"value\":"
      "{\"stringValue\":\"unset\"}},{\"key\":\"span:parentID\",\"value\":{\"stringValue\":\"0000000000000001\"}},"
      "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}";
  bt_buffer attributes = {0};
  size_t shown = 0;
  for (size_t k = 0; k < KEYS; k++) {
    const held *of = &s.traces[i][k];
    const char *value = of->count ? of->elements[of->count - 1] : NULL;
    if (!is_read && !selects && leaves_out) value = last_left(query, k, of);
    if (value) append_value(&attributes, keys[k], value, of->is_number);
    if (!value && selects && s.is_of_column) append_value(&attributes, keys[k], "nil", false);
    shown += value != NULL;
  }
  if (is_read || selects || shown) {
    bt_buffer_printf(out, "%s{\"traceID\":\"1%030zx\",\"startTimeUnixNano\":\"%lld\",\"durationMs\":1,\"spanSets\":[",
                     (*spans)++ ? "," : "", i, (long long)(FIRST_S * second_ns));
    bt_buffer_printf(out,
                     "{\"spans\":[{\"spanID\":\"%zx\",\"name\":\"a\",\"startTimeUnixNano\":\"%lld\",\"durationNanos\":"
                     "\"5\",\"attributes\":[{\"key\":\"kind\",\"value\":{\"stringValue\":\"server\"}},{\"key\":"
                     "\"status\",\"value\":{\"stringValue\":\"unset\"}},{\"key\":\"span:parentID\",\"value\":"
                     "{\"stringValue\":\"0000000000000000\"}},{\"key\":\"service.name\",\"value\":{\"stringValue\":"
                     "\"shop\"}}%.*s]}%s],\"matched\":1}]}",
                     i + 1, (long long)(FIRST_S * second_ns), BT_FMT(bt_buffer_str(&attributes)),
                     i < s.older && (is_read || selects) ? older : "");
  }
  bt_buffer_dispose(&attributes);
}

/* A pattern for ids between two finds all of them. No trace has many spans. */
static bool is_asked(const char *query, size_t i) {
  char wanted[40];
  if (strstr(query, "count()")) return false;
  if (strstr(query, "[0-9a-f]")) return true;
  snprintf(wanted, sizeof wanted, "1%030zx|", i);
  return !strstr(query, "trace:id") || strstr(query, wanted);
}

static size_t count_ids(const char *query) {
  size_t bars = 0;
  const char *at = query ? strstr(query, "trace:id") : NULL;
  for (at = at ? strchr(at, '"') : NULL; at && *++at != '"';) bars += *at == '|';
  return bars;
}

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  static const char stumbled[] = "array operators must consist of a scalar and an array operand";
  char *query = fake_parameter(request->target, "q");
  bt_buffer body = {0};
  size_t spans = 0;
  pthread_mutex_lock(&s.mutex);
  bool leaves_out = query && strstr(query, "trace:id") && !strstr(query, "span:parentID") &&
                    (strstr(query, "!~") || strstr(query, ".m != ") || strstr(query, ".n != ")) &&
                    !strstr(query, "betrace.none");
  s.requests++;
  s.by_elements += leaves_out;
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  for (size_t i = 0; query && i < TRACES; i++)
    if (is_asked(query, i)) append_span(&body, i, query, &spans);
  bt_buffer_append(&body, BT_STR("],\"metrics\":{\"inspectedBytes\":\"10\"}}"));
  int status = leaves_out && s.elements_status ? s.elements_status : 200;
  if (s.most_ids && count_ids(query) > s.most_ids) status = 414;
  pthread_mutex_unlock(&s.mutex);
  bool keep = status == 200
                  ? fake_respond(socket, 200, "application/json", "", body.ptr, body.len)
                  : fake_respond(socket, status, "text/plain; charset=utf-8", "", stumbled, sizeof stumbled - 1);
  bt_buffer_dispose(&body);
  free(query);
  return keep;
}

/* ---- reads ---- */

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_source_account account;
  bt_error error;
  bt_trace_id ids[TRACES];
  bool are_most;
  size_t by_id, arrays, whole; /* arrays: of those, really */
} fixture;

static int set_up(void **state) {
  static fixture f;
  f = (fixture){0};
  s = (script){.is_of_column = true};
  pthread_mutex_init(&s.mutex, NULL);
  f.server = fake_server_start(answer, NULL);
  bt_http_options options = {.concurrency = 4};
  *state = &f;
  if (!f.server || bt_http_client_new(&options, &f.client, &f.error) != BT_OK) return -1;
  bt_tempo_options tempo = {.url = fake_server_url(f.server), .pause_ms = 5, .timeout_ms = 240000};
  for (size_t i = 0; i < TRACES; i++) f.ids[i] = id_of(i);
  return bt_tempo_source_new(f.client, &tempo, &f.source, &f.error) == BT_OK ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  bt_source_account_dispose(&f->account);
  pthread_mutex_destroy(&s.mutex);
  return 0;
}

/* Two elements that differ, of any key. */
static bool is_array(const held *of) {
  for (size_t k = 0; k < KEYS; k++)
    for (size_t i = 1; i < of[k].count; i++)
      if (strcmp(of[k].elements[0], of[k].elements[i]) != 0) return true;
  return false;
}

static bt_status see(void *context, const bt_read_trace *read, bt_error *error) {
  fixture *f = context;
  (void)error;
  bool holds_array = is_array(s.traces[read->index]);
  f->by_id += read->needs_by_id;
  f->arrays += read->needs_by_id && holds_array;
  f->whole += !read->needs_by_id;
  if (!read->needs_by_id && holds_array)
    fail_msg("trace %zu holds an array that passed for its last element", read->index);
  return BT_OK;
}

static bt_projected fields[KEYS] = {{BT_PROJECTED_SPAN, {"m", 1}}, {BT_PROJECTED_SPAN, {"n", 1}}};
static bt_projection projection = {.attributes = fields, .attribute_count = KEYS};

static void read_all(fixture *f) {
  bt_read_request request = {.ids = f->ids,
                             .count = TRACES,
                             .range = {FIRST_S * second_ns, (FIRST_S + 200) * second_ns},
                             .projection = &projection,
                             .are_most = f->are_most};
  f->by_id = f->arrays = f->whole = 0;
  if (bt_source_read(f->source, &request, see, f, &f->account, &f->error) != BT_OK) fail_msg("%s", f->error.message);
  assert_int_equal(f->by_id + f->whole, TRACES);
}

static void hold(size_t trace, size_t key, bool is_number, const char *first, const char *second) {
  held *of = &s.traces[trace][key];
  *of = (held){.count = second ? 2 : 1, .is_number = is_number};
  snprintf(of->elements[0], sizeof of->elements[0], "%s", first);
  if (second) snprintf(of->elements[1], sizeof of->elements[1], "%s", second);
}

static void plain_values_are_not_read_by_id(void **state) {
  static const char *const methods[] = {"GET", "POST", "a.b", "a|b", "(", "^$"};
  for (size_t i = 0; i < TRACES; i++) hold(i, 0, false, methods[i % 6], NULL);
  read_all(*state);
  assert_int_equal(((fixture *)*state)->by_id, 0);
  assert_int_equal(s.by_elements, 4); /* which give six values sets of two */
}

static void an_array_is_read_by_id_wherever_it_differs(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < TRACES; i++) hold(i, 0, false, i % 2 ? "GET" : "POST", NULL);
  hold(3, 0, false, "POST", "GET");  /* both are values of others */
  hold(4, 0, false, "OTHER", "GET"); /* one is not */
  hold(5, 0, false, "GET", "GET");   /* nothing differs */
  hold(6, 0, false, "nil", "GET");
  read_all(f);
  assert_int_equal(f->by_id, 3);
  assert_int_equal(f->arrays, 3);
}

/* Questions for elements name their traces, in pieces as long as Tempo takes them. */
static void traces_of_a_range_are_told_as_named_ones(void **state) {
  fixture *f = *state;
  for (size_t round = 0; round < 3; round++) {
    f->are_most = round != 1;
    s.most_ids = round ? 50 : 0;
    s.by_elements = 0;
    an_array_is_read_by_id_wherever_it_differs(state);
    assert_true(s.by_elements > (round ? 4 : 0));
  }
}

/* The empty text is an alternative like any other, first or alone. */
static void an_array_that_ends_with_an_empty_text_is_read_by_id(void **state) {
  static const char *const methods[] = {"", "GET", "POST", "PUT"};
  fixture *f = *state;
  for (size_t of = 1; of <= 4; of++) {
    for (size_t i = 0; i < TRACES; i++) hold(i, 0, false, methods[i % of], NULL);
    hold(7, 0, false, "POST", "");
    hold(8, 0, false, "OTHER", "");
    hold(9, 0, false, "", "GET");
    read_all(f);
    assert_int_equal(f->arrays, 3);
    assert_int_equal(f->by_id, 3);
  }
}

/* What the older block shows of the trace says nothing of the newer one. */
static void a_column_that_was_added_while_a_trace_went_on_is_seen(void **state) {
  fixture *f = *state;
  s.older = TRACES / 2;
  for (size_t i = 0; i + 1 < TRACES; i++) hold(i, 0, false, i % 2 ? "GET" : "POST", NULL);
  hold(3, 0, false, "POST", "GET");
  read_all(f);
  assert_int_equal(f->by_id, 1);
  assert_int_equal(f->arrays, 1);
}

static void whole_numbers_are_told_one_by_one(void **state) {
  static const char *const codes[] = {"200", "404", "-1"};
  fixture *f = *state;
  for (size_t i = 0; i < TRACES; i++) hold(i, 1, true, codes[i % 3], NULL);
  hold(7, 1, true, "500", "200");
  hold(8, 1, true, "404", "200");
  read_all(f);
  assert_int_equal(f->by_id, 2);
  assert_int_equal(s.by_elements, 3);
}

static void texts_of_all_spans_without_a_column_are_told_as_well(void **state) {
  char text[24];
  s.is_of_column = false;
  for (size_t i = 0; i < TRACES; i++) {
    snprintf(text, sizeof text, "user-%zu", i);
    if (i % 2) hold(i, 1, false, text, NULL);
  }
  read_all(*state);
  assert_int_equal(s.by_elements, 8); /* 60 values */
  assert_int_equal(((fixture *)*state)->by_id, 0);
}

static void too_many_values_are_read_by_id(void **state) {
  char text[24];
  for (size_t i = 0; i < TRACES; i++) {
    snprintf(text, sizeof text, "%zu", i);
    hold(i, 1, true, text, NULL);
  }
  read_all(*state);
  assert_int_equal(((fixture *)*state)->by_id, TRACES);
  assert_int_equal(s.by_elements, 0);
}

static void a_few_traces_are_read_by_id(void **state) {
  hold(1, 0, false, "GET", NULL);
  hold(2, 0, false, "POST", NULL);
  read_all(*state);
  assert_int_equal(((fixture *)*state)->by_id, 2);
  assert_int_equal(s.by_elements, 0);
}

static void a_question_without_an_answer_leaves_them_in_doubt(void **state) {
  for (size_t i = 0; i < TRACES; i++) hold(i, 0, false, i % 2 ? "GET" : "POST", NULL);
  static const int statuses[] = {500, 400};
  for (size_t i = 0; i < 2; i++) {
    s.elements_status = statuses[i];
    s.by_elements = 0;
    read_all(*state);
    assert_int_equal(((fixture *)*state)->by_id, TRACES);
    assert_int_equal(s.by_elements, 2);
  }
}

static void fill(test_random *random, unsigned texts, unsigned arrays_of_ten) {
  for (size_t i = 0; i < TRACES; i++)
    for (size_t k = 0; k < KEYS; k++) {
      held *of = &s.traces[i][k];
      bool is_array = test_random_below(random, 10) < arrays_of_ten;
      *of = (held){.count = is_array ? test_random_below(random, ELEMENTS_MAX + 1) : 1,
                   .is_number = test_random_below(random, 5) == 0};
      for (size_t e = 0; e < of->count; e++)
        snprintf(of->elements[e], sizeof of->elements[e], of->is_number ? "%u" : "v%u",
                 (unsigned)test_random_below(random, of->is_number ? 4 : texts));
    }
}

static void no_array_passes_for_a_plain_value(void **state) {
  fixture *f = *state;
  test_random random = test_random_start(55);
  size_t by_id = 0, arrays = 0, whole = 0;
  for (int round = 0; round < ROUNDS; round++) {
    s.is_of_column = test_random_below(&random, 4) > 0;
    fill(&random, 1 + (unsigned)test_random_below(&random, round % 2 ? 200 : 6),
         (unsigned)test_random_below(&random, 4));
    read_all(f);
    by_id += f->by_id;
    arrays += f->arrays;
    whole += f->whole;
  }
  assert_true(arrays > 100 && whole > 1000);
  assert_int_equal(by_id, arrays); /* and nothing else */
}

/* ---- the questions ---- */

/* Whether a question leaves out the text. */
static bool leaves_out(const bt_left_out *of, const char *text) {
  char pattern[65536];
  snprintf(pattern, sizeof pattern, "|%.*s|", BT_FMT(of->pattern));
  char wanted[32];
  snprintf(wanted, sizeof wanted, "|%s|", text);
  return strstr(pattern, wanted) != NULL;
}

/* For any two values a question leaves out the one and not the other, and each is left out by some. */
static void expect_all_told(unsigned texts, uint32_t most) {
  static uint32_t sets[300];
  char text[24];
  bt_buffer patterns = {0};
  bt_left_out out[BT_PROJECTED_KEYS_MAX];
  bt_list_elements *elements = bt_list_elements_new();
  char(*kept)[24] = calloc(texts, sizeof *kept);
  for (unsigned i = 0; i < texts; i++) {
    snprintf(kept[i], sizeof *kept, "v%u", i);
    bt_value value = {.type = BT_VALUE_STRING, .string = bt_str_from(kept[i])};
    assert_true(bt_list_elements_add(elements, 3, &value) && bt_list_elements_add(elements, 3, &value));
    sets[i] = 0;
  }
  uint32_t questions = bt_list_elements_questions(elements);
  assert_int_equal(questions, most);
  assert_true(bt_list_elements_told(elements) >> 3 & 1);
  for (uint32_t q = 0; q < questions; q++) {
    assert_int_equal(bt_list_elements_left_out(elements, q, &patterns, out), 1);
    assert_int_equal(out->attribute, 3);
    for (unsigned i = 0; i < texts; i++) {
      snprintf(text, sizeof text, "v%u", i);
      if (leaves_out(out, text)) sets[i] |= (uint32_t)1 << q;
    }
  }
  for (unsigned i = 0; i < texts; i++) {
    assert_true(sets[i]);
    for (unsigned j = 0; j < texts; j++) assert_true(i == j || (sets[i] & ~sets[j]));
  }
  bt_list_elements_free(elements);
  bt_buffer_dispose(&patterns);
  free(kept);
}

static void every_number_of_values_is_told(void **state) {
  static const struct {
    unsigned texts;
    uint32_t questions;
  } some[] = {{1, 1},  {2, 2},  {3, 3},  {4, 4},  {6, 4},  {7, 5},   {10, 5},  {11, 6},
              {20, 6}, {21, 7}, {35, 7}, {70, 8}, {71, 9}, {126, 9}, {252, 10}};
  (void)state;
  for (size_t i = 0; i < sizeof some / sizeof *some; i++) expect_all_told(some[i].texts, some[i].questions);
}

static void what_cannot_be_left_out_is_said(void **state) {
  (void)state;
  bt_list_elements *elements = bt_list_elements_new();
  assert_false(bt_list_elements_add(elements, 0, &(bt_value){.type = BT_VALUE_DOUBLE, .decimal = 1.5}));
  assert_false(bt_list_elements_add(elements, 0, &(bt_value){.type = BT_VALUE_STRING, .string = BT_STR("\xff")}));
  assert_false(bt_list_elements_add(elements, 0, &(bt_value){.type = BT_VALUE_INT, .integer = INT64_MIN}));
  assert_true(bt_list_elements_told(elements) & 1);
  for (int64_t i = 0; i < 11; i++)
    assert_true(bt_list_elements_add(elements, 1, &(bt_value){.type = BT_VALUE_INT, .integer = i}));
  assert_false(bt_list_elements_told(elements) & 2);
  char kept[253][24];
  for (unsigned i = 0; i < 253; i++) {
    snprintf(kept[i], sizeof kept[i], "v%u", i);
    assert_true(
        bt_list_elements_add(elements, 2, &(bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(kept[i])}));
  }
  assert_false(bt_list_elements_told(elements) & 4);
  assert_int_equal(bt_list_elements_questions(elements), 0);
  bt_list_elements_free(elements);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(plain_values_are_not_read_by_id),
                                     TEST(an_array_is_read_by_id_wherever_it_differs),
                                     TEST(traces_of_a_range_are_told_as_named_ones),
                                     TEST(an_array_that_ends_with_an_empty_text_is_read_by_id),
                                     TEST(a_column_that_was_added_while_a_trace_went_on_is_seen),
                                     TEST(whole_numbers_are_told_one_by_one),
                                     TEST(texts_of_all_spans_without_a_column_are_told_as_well),
                                     TEST(too_many_values_are_read_by_id),
                                     TEST(a_few_traces_are_read_by_id),
                                     TEST(a_question_without_an_answer_leaves_them_in_doubt),
                                     TEST(no_array_passes_for_a_plain_value),
                                     cmocka_unit_test(every_number_of_values_is_told),
                                     cmocka_unit_test(what_cannot_be_left_out_is_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
