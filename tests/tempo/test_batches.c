/* What a batch gives of a span is what a read by id gives, for any fields and filter, or the trace is doubted. Runs
 * over random traces in several blocks of a real Tempo, with random projections, reads of whole traces, of some spans,
 * and of spans without their trace. Compares fields as the evaluator reads them. random_batches.py runs it, and gives
 * TEMPO_URL, the range in seconds and a file of trace ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/value_comparison.h"
#include "dsl/rule/field.h"
#include "tempo/api/tempo_source.h"
#include "tempo/api/traceql.h"
#include "tests/support/asked.h"
#include "tests/support/random.h"

enum { TRACES_MAX = 1000, PROJECTIONS = 40, KEYS_MOST = 4 };
static const int64_t second_ns = 1000000000;

static const char *const keys[] = {
    "k",    "k",      "k",    "n",       "n",      "amount", "a.b",  "http.status_code", "service.name", "status",
    "name", "kind",   "tags", "odd key", "co:lon", "0num",   "true", "duration",         "cluster",      "status",
    "k",    "qu\"ote"};
/* Tests of a span's own fields, as rules' filters have them. */
static const char *const conditions[] = {
    "trace.has(span.name == \"a\" or resource.attributes[\"service.name\"] == \"a\")",
    "trace.has(span.status not in [ok, error])",
    "trace.has(span.name == \"b\" or span.status_message matches \".\")",
    "trace.has(span.kind in [client, server])",
    "trace.has(span.duration < 1s)",
    "trace.has((span.status == error and span.service != \"s\") or span.name != \"c\")"};

/* One way to read: its fields, and what each span is by id, as sorted lines. */
typedef struct reading {
  bt_projected attributes[KEYS_MOST];
  bt_projection projection;
  char **expected;
  size_t count, capacity;
} reading;

typedef struct fixture {
  bt_http_client *client;
  bt_source *source;
  bt_trace_id ids[TRACES_MAX];
  size_t span_counts[TRACES_MAX];
  size_t count;
  bt_time_range range;
  reading readings[PROJECTIONS];
  const reading *now; /* being read */
  bool some_spans;
  const char *condition; /* whose filter is asked for; NULL: none */
  size_t given, doubted, spans, wrong;
} fixture;

static fixture f;

/* ---- a span as a line ---- */

static void write_value(const bt_value *value, bt_buffer *out) {
  char text[64] = "-";
  switch (value->type) {
  case BT_VALUE_STRING:
    snprintf(text, sizeof text, "text %zu ", value->string.len);
    bt_buffer_append(out, bt_str_from(text));
    bt_buffer_append(out, value->string);
    return;
  case BT_VALUE_INT: snprintf(text, sizeof text, "whole %" PRId64, value->integer); break;
  case BT_VALUE_DOUBLE:
    snprintf(text, sizeof text, "decimal %.17g", bt_value_is_nan(value) ? 1e-300 : value->decimal + 0.0);
    break;
  case BT_VALUE_BOOL: snprintf(text, sizeof text, "%s", value->boolean ? "true" : "false"); break;
  case BT_VALUE_ARRAY: snprintf(text, sizeof text, "array of %u", value->array.count); break;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: break; /* what counts as missing */
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: fail(); /* no attribute is one */
  }
  bt_buffer_append(out, bt_str_from(text));
}

static void write_field(const bt_span *span, bt_field_kind kind, bt_str key, bt_buffer *out) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_field field = {.kind = kind, .binding = BT_NO_BINDING, .key = key};
  bt_value value = bt_field_value(span, &field, NULL, id_text);
  bt_buffer_append(out, BT_STR(" | "));
  write_value(&value, out);
}

static bt_field_kind kind_of(bt_projected_scope scope) {
  switch (scope) {
  case BT_PROJECTED_SPAN: return BT_FIELD_SPAN_ATTRIBUTE;
  case BT_PROJECTED_RESOURCE: return BT_FIELD_RESOURCE_ATTRIBUTE;
  case BT_PROJECTED_EITHER: break;
  }
  return BT_FIELD_EITHER_ATTRIBUTE;
}

/* What the reading asks for of this span; of whole traces status, parent and service too. */
static void write_span(const bt_trace *trace, const bt_span *span, const reading *of, bool some_spans, bt_buffer *out) {
  static const bt_field_kind always[] = {BT_FIELD_ID, BT_FIELD_NAME, BT_FIELD_KIND, BT_FIELD_START, BT_FIELD_END};
  const bt_projection *projection = &of->projection;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, hex);
  bt_buffer_append(out, bt_str_from(hex));
  for (size_t i = 0; i < sizeof always / sizeof *always; i++) write_field(span, always[i], (bt_str){0}, out);
  if (!some_spans || projection->status) write_field(span, BT_FIELD_STATUS, (bt_str){0}, out);
  if (!some_spans || projection->parent) write_field(span, BT_FIELD_PARENT_ID, (bt_str){0}, out);
  if (!some_spans || projection->service) write_field(span, BT_FIELD_SERVICE, (bt_str){0}, out);
  if (projection->status_message) write_field(span, BT_FIELD_STATUS_MESSAGE, (bt_str){0}, out);
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    write_field(span, kind_of(projection->attributes[i].scope), projection->attributes[i].key, out);
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *line_of(const bt_trace *trace, const bt_span *span, const reading *of, bool some_spans) {
  bt_buffer out = {0};
  write_span(trace, span, of, some_spans, &out);
  assert_false(out.failed);
  char *line = malloc(out.len + 1);
  memcpy(line, out.ptr, out.len);
  line[out.len] = '\0';
  for (size_t i = 0; i < out.len; i++)
    if (!line[i]) line[i] = 1; /* a NUL in a text */
  bt_buffer_dispose(&out);
  return line;
}

/* ---- by id ---- */

/* Both forms of each line: of a whole trace, and of some spans. */
static bt_status take_by_id(void *context, const bt_read_trace *read, bt_error *error) {
  (void)context;
  (void)error;
  assert_non_null(read->trace);
  f.span_counts[read->index] = read->trace->span_count;
  for (size_t r = 0; r < PROJECTIONS; r++) {
    reading *of = &f.readings[r];
    for (uint32_t s = 0; s < read->trace->span_count; s++) {
      for (int some = 0; some < 2; some++) {
        of->expected = bt_grow_array(of->expected, of->count, &of->capacity, sizeof *of->expected);
        assert_non_null(of->expected);
        of->expected[of->count++] = line_of(read->trace, &read->trace->spans[s], of, some);
      }
    }
  }
  return BT_OK;
}

/* ---- in batches ---- */

static void check_trace(const bt_trace *trace, size_t index) {
  if (!f.some_spans) assert_int_equal(trace->span_count, f.span_counts[index]);
  for (uint32_t s = 0; s < trace->span_count; s++) {
    char *line = line_of(trace, &trace->spans[s], f.now, f.some_spans);
    f.spans++;
    if (!bsearch(&line, f.now->expected, f.now->count, sizeof *f.now->expected, compare_lines) && f.wrong++ < 3) {
      printf("not so by id: %s\n  condition %s\n", line, f.condition ? f.condition : "none");
      for (uint32_t i = 0; i < f.now->projection.attribute_count; i++)
        printf("  %d %s\n", (int)f.now->attributes[i].scope, f.now->attributes[i].key.ptr);
    }
    free(line);
  }
}

static bt_status take_batch(void *context, const bt_read_trace *read, bt_error *error) {
  (void)context;
  (void)error;
  f.given++;
  f.doubted += read->needs_by_id;
  if (read->trace && !read->needs_by_id) check_trace(read->trace, read->index);
  return BT_OK;
}

static bt_status take_found(void *context, const bt_found_spans *found, bt_error *error) {
  (void)context;
  (void)error;
  f.given++;
  f.doubted += found->needs_by_id;
  if (found->trace && !found->needs_by_id) check_trace(found->trace, 0);
  return BT_OK;
}

static void start_reading(const reading *of, const char *condition) {
  f.now = of;
  f.some_spans = condition != NULL;
  f.condition = condition;
  f.given = f.doubted = f.spans = f.wrong = 0;
}

static void end_reading(const char *what, bt_status status, const bt_source_account *account, const bt_error *error) {
  if (status != BT_OK) fail_msg("%s: %s", what, error->message);
  if (account->failed_count) fail_msg("%s: %s", what, account->failed[0].reason);
}

static void read_ids(const reading *of, const bt_read_request *how) {
  bt_read_request request = *how;
  bt_source_account account = {0};
  bt_error error = {0};
  request.ids = f.ids;
  if (!request.count) request.count = f.count;
  request.range = f.range;
  request.projection = request.by_id ? NULL : &of->projection;
  end_reading("read",
              bt_source_read(f.source, &request, request.by_id ? take_by_id : take_batch, NULL, &account, &error),
              &account, &error);
  bt_source_account_dispose(&account);
}

static void find_spans(const reading *of, const char *condition, uint64_t expected) {
  bt_spans_request request = {
      .spans.asked = asked_rule(condition), .range = f.range, .projection = &of->projection, .expected = expected};
  bt_source_account account = {0};
  bt_error error = {0};
  start_reading(of, condition);
  end_reading("spans", bt_source_find_spans(f.source, &request, take_found, NULL, &account, &error), &account, &error);
  bt_source_account_dispose(&account);
}

/* ---- projections ---- */

static bool has(const bt_projection *projection, bt_projected_scope scope, bt_str key) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (projection->attributes[i].scope == scope && bt_str_equal(projection->attributes[i].key, key)) return true;
  return false;
}

static void make_reading(test_random *random, reading *of) {
  bt_projection *projection = &of->projection;
  projection->attributes = of->attributes;
  for (unsigned wanted = test_random_below(random, KEYS_MOST + 1); wanted; wanted--) {
    bt_projected one = {(bt_projected_scope)test_random_below(random, 3),
                        bt_str_from(keys[test_random_below(random, sizeof keys / sizeof *keys)])};
    if (!has(projection, one.scope, one.key)) of->attributes[projection->attribute_count++] = one;
  }
  projection->status_message = test_random_below(random, 3) == 0;
  projection->status = test_random_below(random, 2);
  projection->parent = test_random_below(random, 2);
  projection->service = test_random_below(random, 2);
  for (uint32_t i = 0; i < projection->attribute_count; i++) /* as rules that read it make it */
    if (bt_str_equal(projection->attributes[i].key, BT_STR("service.name"))) projection->service = true;
}

static void read_file_of_ids(const char *path) {
  char line[64];
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  while (f.count < TRACES_MAX && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    assert_true(bt_trace_id_parse(bt_str_from(line), &f.ids[f.count++]));
  }
  fclose(file);
}

static int set_up(void **state) {
  (void)state;
  bt_error error = {0};
  test_random random = test_random_start(4);
  bt_tempo_options options = {.url = getenv("TEMPO_URL")};
  f.range =
      (bt_time_range){strtoll(getenv("START_S"), NULL, 10) * second_ns, strtoll(getenv("END_S"), NULL, 10) * second_ns};
  read_file_of_ids(getenv("TRACE_IDS"));
  for (size_t r = 0; r < PROJECTIONS; r++) make_reading(&random, &f.readings[r]);
  if (bt_http_client_new(NULL, &f.client, &error) != BT_OK) return -1;
  if (bt_tempo_source_new(f.client, &options, &f.source, &error) != BT_OK) return -1;
  start_reading(&f.readings[0], NULL);
  read_ids(&f.readings[0], &(bt_read_request){.by_id = true});
  for (size_t r = 0; r < PROJECTIONS; r++)
    qsort(f.readings[r].expected, f.readings[r].count, sizeof(char *), compare_lines);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (size_t r = 0; r < PROJECTIONS; r++) {
    for (size_t i = 0; i < f.readings[r].count; i++) free(f.readings[r].expected[i]);
    free(f.readings[r].expected);
  }
  bt_source_free(f.source);
  bt_http_client_free(f.client);
  return 0;
}

/* ---- the tests ---- */

static const char *filter_of(size_t r) {
  return conditions[r % (sizeof conditions / sizeof *conditions)];
}

static void read_whole(size_t r) {
  start_reading(&f.readings[r], NULL);
  read_ids(&f.readings[r], &(bt_read_request){0});
  assert_int_equal(f.given, f.count);
}

/* Of every second projection all traces that there are. */
static void read_most(size_t r) {
  size_t count = r % 2 ? f.count : f.count * 3 / 4;
  start_reading(&f.readings[r], NULL);
  read_ids(&f.readings[r], &(bt_read_request){.are_most = true, .count = count});
  assert_int_equal(f.given, count);
}

static void read_some_spans(size_t r) {
  start_reading(&f.readings[r], filter_of(r));
  read_ids(&f.readings[r], &(bt_read_request){.spans.asked = asked_rule(filter_of(r))});
}

/* Of several groups they cannot be asked for. */
static void find_some_spans(size_t r) {
  if (bt_projection_groups(&f.readings[r].projection) > 1)
    f.given = f.doubted = f.spans = 0;
  else
    find_spans(&f.readings[r], filter_of(r), r % 2 ? 50000 : 0);
}

/* Every projection; of each so many spans on average, and most traces without doubt, or nothing was compared. */
static void check_all(void (*read)(size_t r), size_t spans_least) {
  size_t given = 0, doubted = 0, spans = 0;
  for (size_t r = 0; r < PROJECTIONS; r++) {
    read(r);
    given += f.given, doubted += f.doubted, spans += f.spans;
    assert_int_equal(f.wrong, 0);
  }
  printf("%zu traces, %zu doubted, %zu spans compared\n", given, doubted, spans);
  assert_true(doubted < given / 2 && spans > spans_least * PROJECTIONS);
}

static void whole_traces_are_what_they_are_by_id(void **state) {
  (void)state;
  check_all(read_whole, 50);
}

static void most_traces_are_what_they_are_by_id(void **state) {
  (void)state;
  check_all(read_most, 40);
}

static void some_spans_are_what_they_are_by_id(void **state) {
  (void)state;
  check_all(read_some_spans, 20);
}

static void found_spans_are_what_they_are_by_id(void **state) {
  (void)state;
  check_all(find_some_spans, 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_traces_are_what_they_are_by_id), cmocka_unit_test(most_traces_are_what_they_are_by_id),
      cmocka_unit_test(some_spans_are_what_they_are_by_id), cmocka_unit_test(found_spans_are_what_they_are_by_id)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
