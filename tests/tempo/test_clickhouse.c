/* The ClickHouse source against a server that this program scripts. What does one span become, and what has an answer
 * to have to count? Which servers and tables does it refuse, how does it divide large batches, and who hears the
 * password? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/clickhouse/clickhouse_source.h"
#include "tempo/wire/tags.h"
#include "tempo/clickhouse/row_binary.h"
#include "tests/support/fake_http.h"

enum { IDS = 40 };
static const int64_t second_ns = 1000000000;

/* What the server does. Under the lock. */
typedef struct script {
  pthread_mutex_t mutex;
  bool skips_shards;         /* by the table's own setting */
  const char *fixed_setting; /* may not be set, and has another value; NULL: none */
  const char *unknown_setting;
  const char *without_column;
  bool lacks_a_row, cuts_a_row, hides_summary, hangs;
  int code;           /* of the answer to questions for traces; 0: none */
  size_t most_ids;    /* of a read; more is too much. 0: any number */
  const char *far_id; /* of a trace with a span far away; NULL: none */
  bool is_unknown;    /* nothing is known of that trace, but that */
  unsigned rare;      /* bits: rows of these rare kinds are there */
  bool refuses_rare;  /* does not say whether any are */
  unsigned questions, reads;
  unsigned looks;        /* whether rare rows are there */
  unsigned names;        /* questions for names */
  unsigned most_names;   /* of which so many are answered; 0: all */
  const char *looked_at; /* rows that such a question read; NULL: few */
  bool was_told_key, saw_setting;
  char sql[4096]; /* of the last search for spans */
} script;

/* ---- RowBinary ---- */

static void write_text(bt_buffer *out, const char *text) {
  bt_buffer_append_char(out, (char)strlen(text)); /* of less than 128 bytes */
  bt_buffer_append(out, bt_str_from(text));
}

static void write_number(bt_buffer *out, int64_t number) {
  bt_buffer_append(out, (bt_str){(const char *)&number, sizeof number});
}

static void write_map(bt_buffer *out, const char *const *texts, size_t pairs) {
  bt_buffer_append_char(out, (char)pairs);
  for (size_t i = 0; i < 2 * pairs; i++) write_text(out, texts[i]);
}

/* ---- the server ---- */

static void respond(const script *s, int socket, const bt_buffer *body, unsigned rows) {
  char summary[96];
  snprintf(summary, sizeof summary, "X-ClickHouse-Summary: {\"read_rows\":\"%s\",\"result_rows\":\"%u\"}\r\n",
           s->looked_at ? s->looked_at : "9", rows);
  fake_respond(socket, 200, "application/octet-stream", s->hides_summary ? "" : summary, body->ptr, body->len);
}

static const char *const columns[][2] = {{"Timestamp", "DateTime64(9)"},
                                         {"TraceId", "String"},
                                         {"SpanId", "String"},
                                         {"ParentSpanId", "String"},
                                         {"TraceState", "String"},
                                         {"SpanName", "LowCardinality(String)"},
                                         {"SpanKind", "LowCardinality(String)"},
                                         {"ServiceName", "LowCardinality(String)"},
                                         {"ResourceAttributes", "Map(LowCardinality(String), String)"},
                                         {"ScopeName", "String"},
                                         {"ScopeVersion", "String"},
                                         {"SpanAttributes", "Map(LowCardinality(String), String)"},
                                         {"Duration", "UInt64"},
                                         {"StatusCode", "LowCardinality(String)"},
                                         {"StatusMessage", "String"},
                                         {"Events.Timestamp", "Array(DateTime64(9))"},
                                         {"Events.Name", "Array(LowCardinality(String))"},
                                         {"Events.Attributes", "Array(Map(LowCardinality(String), String))"},
                                         {"Links.TraceId", "Array(String)"},
                                         {"Links.SpanId", "Array(String)"},
                                         {"Links.Attributes", "Array(Map(LowCardinality(String), String))"}};

static unsigned write_columns(const script *s, bt_buffer *out) {
  unsigned rows = 0;
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    if (s->without_column && strcmp(s->without_column, columns[i][0]) == 0) continue;
    write_text(out, columns[i][0]);
    write_text(out, columns[i][1]);
    rows++;
  }
  return rows;
}

static void write_id(char out[33], unsigned number) {
  snprintf(out, 33, "%032x", number + 1);
}

static unsigned write_found(bt_buffer *out) {
  char id[33];
  for (unsigned i = 0; i < IDS; i++) {
    write_id(id, i);
    write_text(out, id);
    write_number(out, 100 * second_ns);
    write_number(out, 101 * second_ns);
  }
  return IDS;
}

static void write_span(bt_buffer *out, const char *id) {
  static const char *const resource[] = {"service.name", "cart", "host", "h"};
  static const char *const own[] = {"n", "5", "text", "x5", "none", "", "list", "[1]", "yes", "true"};
  static const char *const event[] = {"k", "v"};
  const char *const head[] = {id, "00000000000000aa", "", "a=1", "GET /", "SPAN_KIND_SERVER", "cart"};
  for (size_t i = 0; i < sizeof head / sizeof *head; i++) write_text(out, head[i]);
  write_map(out, resource, 2);
  write_text(out, "lib");
  write_text(out, "1.0");
  write_map(out, own, 5);
  write_number(out, 100 * second_ns);
  write_number(out, -second_ns); /* it ends before it starts */
  write_text(out, "Error");
  write_text(out, "broken");
  bt_buffer_append_char(out, 1), write_number(out, 100 * second_ns + 1);
  bt_buffer_append_char(out, 1), write_text(out, "retry");
  bt_buffer_append_char(out, 1), write_map(out, event, 1);
  bt_buffer_append_char(out, 1), write_text(out, "000000000000000000000000000000ff");
  bt_buffer_append_char(out, 1), write_text(out, "00000000000000bb");
  bt_buffer_append_char(out, 1), write_map(out, event, 0);
}

static unsigned write_found_spans(const script *s, bt_buffer *out) {
  char id[33];
  for (unsigned i = 0; i < IDS; i++) {
    write_id(id, i);
    write_span(out, id);
  }
  if (s->cuts_a_row) out->len -= 3;
  return IDS;
}

/* The ids that the form has, one a line. */
static unsigned write_spans(const script *s, const fake_request *request, bt_buffer *out) {
  unsigned rows = 0;
  const char *at = strstr(request->body, "\r\n\r\n");
  assert_non_null(at);
  for (at += 4; at[0] != '\r'; at += 33, rows++) {
    char id[33];
    snprintf(id, sizeof id, "%s", at);
    if (strcmp(id, "00000000000000000000000000000007") != 0) write_span(out, id);
  }
  if (s->cuts_a_row) out->len -= 3;
  return rows;
}

static bool refuse(int socket, int status, const char *text) {
  return fake_respond(socket, status, "text/plain", "", text, strlen(text));
}

static bool answer_settings(const script *s, int socket) {
  bt_buffer body = {0};
  const char *name = s->fixed_setting ? s->fixed_setting : "limit";
  write_text(&body, name);
  write_text(&body, "7");
  bt_buffer_append_char(&body, s->fixed_setting != NULL);
  respond(s, socket, &body, 1);
  bt_buffer_dispose(&body);
  return true;
}

static bool answer_traces(script *s, const fake_request *request, int socket, bool is_read) {
  char text[80];
  bt_buffer body = {0};
  snprintf(text, sizeof text, "Code: %d. DB::Exception: no", s->code ? s->code : 241);
  bool is_form = strstr(request->target, "ids_structure") != NULL;
  unsigned rows = is_read && !is_form ? write_found_spans(s, &body)
                  : is_read           ? write_spans(s, request, &body)
                                      : write_found(&body);
  bool is_too_much = is_read && s->most_ids && rows > s->most_ids;
  s->questions++;
  s->reads += is_read;
  if (s->hangs) {
    bt_buffer_dispose(&body);
    return false;
  }
  if (s->code || is_too_much)
    refuse(socket, 500, text);
  else
    respond(s, socket, &body,
            rows - (is_form && is_read && strstr(request->body, "0000007\n") != NULL) + s->lacks_a_row);
  bt_buffer_dispose(&body);
  return true;
}

/* Whether the table of times is of use, and then which traces reach far. */
static bool answer_far(script *s, const fake_request *request, const char *sql, int socket) {
  bt_buffer body = {0};
  bool is_far = s->far_id && request->body && strstr(request->body, s->far_id);
  bool is_of_unknown = strstr(sql, "NOT IN") != NULL;
  bt_buffer_append_char(&body, strstr(sql, "FROM ids") ? is_far && is_of_unknown == s->is_unknown : 1);
  if (is_far && is_of_unknown == s->is_unknown) write_text(&body, s->far_id);
  if (strstr(sql, "FROM ids")) write_number(&body, s->is_unknown && !is_of_unknown ? 1 : IDS);
  respond(s, socket, &body, 1);
  bt_buffer_dispose(&body);
  return true;
}

static bool answer_rare(script *s, int socket, bt_buffer *body) {
  unsigned rows = 0;
  s->looks++;
  if (s->refuses_rare) return refuse(socket, 500, "Code: 241. DB::Exception: no");
  for (unsigned kind = 0; kind < 3; kind++)
    if (s->rare >> kind & 1) bt_buffer_append_char(body, (char)kind), rows++;
  respond(s, socket, body, rows);
  return true;
}

/* unknown_setting: "&name=". */
static bool refuse_setting(const script *s, int socket) {
  char sentence[100];
  snprintf(sentence, sizeof sentence, "Code: 115. DB::Exception: Unknown setting '%.*s'",
           (int)strlen(s->unknown_setting) - 2, s->unknown_setting + 1);
  return refuse(socket, 404, sentence);
}

static bool answer_names(script *s, int socket, bt_buffer *body) {
  if (++s->names > s->most_names && s->most_names) return refuse(socket, 500, "Code: 202. DB::Exception: no");
  write_text(body, "http.route");
  write_text(body, "");
  respond(s, socket, body, 2 + s->lacks_a_row);
  return true;
}

static bool answer(void *context, const fake_request *request, int socket) {
  script *s = context;
  bt_buffer body = {0};
  char *sql = fake_parameter(request->target, "query");
  bool keep = true;
  pthread_mutex_lock(&s->mutex);
  if (strstr(sql, "{parts:UInt64}")) snprintf(s->sql, sizeof s->sql, "%s", sql);
  s->was_told_key = strstr(request->head, "X-ClickHouse-Key: sesame") != NULL;
  s->saw_setting =
      strstr(request->target, "&skip_unavailable_shards=0") && strstr(sql, " SETTINGS skip_unavailable_shards = 0");
  if (strstr(sql, "system.settings"))
    keep = answer_settings(s, socket);
  else if (s->unknown_setting && strstr(request->target, s->unknown_setting))
    keep = refuse_setting(s, socket);
  else if (strstr(sql, "version()"))
    write_text(&body, "26.9.2.1"), respond(s, socket, &body, 1);
  else if (strstr(sql, "system.columns"))
    respond(s, socket, &body, write_columns(s, &body));
  else if (strstr(sql, "system.tables"))
    write_text(&body, "Distributed"), bt_buffer_append_char(&body, s->skips_shards), respond(s, socket, &body, 1);
  else if (strstr(request->target, "_trace_id_ts"))
    keep = answer_far(s, request, sql, socket);
  else if (strstr(sql, "LIMIT 1 UNION ALL"))
    keep = answer_rare(s, socket, &body);
  else if (strstr(sql, "SELECT DISTINCT"))
    keep = answer_names(s, socket, &body);
  else
    keep = answer_traces(s, request, socket, strstr(sql, "SpanId") != NULL);
  bool is_before = strstr(request->target, "_trace_id_ts") || strstr(sql, "LIMIT 1 UNION ALL");
  bool hangs = s->hangs && !strstr(sql, "system.") && !strstr(sql, "version()") && !is_before;
  pthread_mutex_unlock(&s->mutex);
  free(sql);
  bt_buffer_dispose(&body);
  return hangs ? fake_hang(socket) : keep;
}

/* ---- a source of it ---- */

typedef struct scene {
  script script;
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_trace_id ids[IDS];
  bt_error error;
} scene;

static void open_scene(scene *s) {
  char url[128];
  pthread_mutex_init(&s->script.mutex, NULL);
  s->server = fake_server_start(answer, &s->script);
  assert_non_null(s->server);
  snprintf(url, sizeof url, "%s/otel?table=traces", fake_server_url(s->server));
  bt_clickhouse_options options = {.url = url, .user = "u", .password = "sesame", .pause_ms = 1};
  if (s->script.hangs) options.timeout_ms = 500;
  assert_int_equal(bt_http_client_new(NULL, &s->client, &s->error), BT_OK);
  assert_int_equal(bt_clickhouse_source_new(s->client, &options, &s->source, &s->error), BT_OK);
  for (unsigned i = 0; i < IDS; i++) {
    char id[33];
    write_id(id, i);
    assert_true(bt_trace_id_parse((bt_str){id, 32}, &s->ids[i]));
  }
}

static void close_scene(scene *s) {
  bt_source_free(s->source);
  bt_http_client_free(s->client);
  fake_server_stop(s->server);
  pthread_mutex_destroy(&s->script.mutex);
}

static size_t search_until(scene *s, int64_t end_ns, char reason[200]) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_search_request request = {.query = bt_query_all(), .range = {0, end_ns}};
  assert_int_equal(bt_source_search(s->source, &request, &found, &account, &s->error), BT_OK);
  size_t count = found.count;
  snprintf(reason, 200, "%s", account.failed_count ? account.failed[0].reason : "");
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return count;
}

static size_t search(scene *s, char reason[200]) {
  return search_until(s, 1000 * second_ns, reason);
}

typedef struct given {
  unsigned traces, none;
} given;

static const bt_value *value_of(const bt_span *span, const char *key) {
  const bt_value *value = bt_attributes_find(&span->attributes, bt_str_from(key));
  assert_non_null(value);
  return value;
}

static void check_span(const bt_span *span) {
  assert_true(bt_str_equal(span->name, BT_STR("GET /")));
  assert_true(bt_str_equal(span->resource->service, BT_STR("cart")));
  assert_int_equal(span->kind, BT_KIND_SERVER);
  assert_int_equal(span->status, BT_SPAN_STATUS_ERROR);
  assert_int_equal(span->end_ns, 99 * second_ns);
  assert_true(bt_value_is_untyped(value_of(span, "n")) && bt_value_is_untyped(value_of(span, "none")));
  assert_true(bt_value_is_untyped(value_of(span, "list")) && bt_value_is_untyped(value_of(span, "yes")));
  assert_false(bt_value_is_untyped(value_of(span, "text")));
  assert_int_equal(span->event_count, 1);
  assert_int_equal(span->events[0].time_ns, 100 * second_ns + 1);
  assert_true(bt_str_equal(span->events[0].attributes.items[0].value.string, BT_STR("v")));
  assert_int_equal(span->link_count, 1);
  assert_int_equal(span->links[0].trace_id.bytes[15], 0xff);
  assert_int_equal(span->links[0].span_id.bytes[7], 0xbb);
}

static bt_status take(void *context, const bt_read_trace *read, bt_error *error) {
  given *g = context;
  (void)error;
  assert_false(read->needs_by_id);
  g->none += !read->trace;
  g->traces += read->trace != NULL;
  if (read->trace) check_span(&read->trace->spans[0]);
  return BT_OK;
}

static bt_status read_all(scene *s, given *g) {
  bt_source_account account = {0};
  bt_read_request request = {.ids = s->ids, .count = IDS, .range = {0, 1000 * second_ns}};
  bt_status status = bt_source_read(s->source, &request, take, g, &account, &s->error);
  bt_source_account_dispose(&account);
  return status;
}

/* ---- tests ---- */

static void finds_and_reads(void **state) {
  scene s = {0};
  char reason[200];
  given g = {0};
  (void)state;
  open_scene(&s);
  assert_int_equal(search(&s, reason), IDS);
  assert_string_equal(reason, "");
  assert_int_equal(read_all(&s, &g), BT_OK);
  assert_int_equal(g.traces, IDS - 1); /* number 7 is gone */
  assert_int_equal(g.none, 1);
  assert_true(s.script.was_told_key && s.script.saw_setting);
  bt_promises promises = bt_source_known(s.source);
  assert_true(promises.about.is_checked && strstr(promises.about.version, "Distributed"));
  assert_true(promises.filters);
  close_scene(&s);
}

static void an_answer_that_lacks_something_is_none(void **state) {
  static const script scripts[] = {{.lacks_a_row = true}, {.cuts_a_row = true}, {.hides_summary = true},
                                   {.code = 999},         {.code = 241},        {.code = 159}};
  (void)state;
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
    scene s = {.script = scripts[i]};
    char reason[200];
    given g = {0};
    open_scene(&s);
    search(&s, reason);
    assert_true(scripts[i].cuts_a_row || reason[0]); /* reads alone are cut */
    assert_int_not_equal(read_all(&s, &g), BT_OK);
    assert_int_equal(g.traces + g.none, 0);
    assert_true(s.script.questions < 200);
    close_scene(&s);
  }
}

static bt_status take_found(void *context, const bt_found_spans *spans, bt_error *error) {
  given *g = context;
  (void)error;
  assert_false(spans->needs_by_id);
  assert_int_equal(spans->found.end_ns, 100 * second_ns); /* of a span that ends before it starts */
  check_span(&spans->trace->spans[0]);
  g->traces++;
  return BT_OK;
}

static bt_status find_all_spans(scene *s, uint64_t expected, given *g) {
  static const bt_filter named = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "GET /");
  bt_projected keys[] = {{BT_PROJECTED_SPAN, BT_STR("n")}, {BT_PROJECTED_EITHER, BT_STR("host")}};
  bt_projection projection = {.attributes = keys, .attribute_count = 2, .status_message = true};
  bt_spans_request request = {.spans = {.asked = {.filter = &named}},
                              .range = {0, 1000 * second_ns},
                              .projection = &projection,
                              .expected = expected};
  bt_source_account account = {0};
  bt_status status = bt_source_find_spans(s->source, &request, take_found, g, &account, &s->error);
  bt_source_account_dispose(&account);
  return status;
}

static void spans_are_found_with_the_keys_of_a_rule(void **state) {
  scene s = {0};
  given g = {0};
  (void)state;
  open_scene(&s);
  assert_int_equal(find_all_spans(&s, 0, &g), BT_OK);
  assert_int_equal(g.traces, IDS);
  assert_non_null(strstr(s.script.sql, "mapFilter((k, v) -> k IN ({f2:String}, {f1:String}), SpanAttributes)"));
  assert_non_null(strstr(s.script.sql, "mapFilter((k, v) -> k IN ({f1:String}), ResourceAttributes)"));
  assert_non_null(strstr(s.script.sql, "SpanName = {f0:String}"));
  assert_non_null(strstr(s.script.sql, "StatusMessage"));
  assert_null(strstr(s.script.sql, "Events"));
  assert_int_equal(s.script.questions, 1);
  assert_int_equal(find_all_spans(&s, 250000, &g), BT_OK); /* in three parts */
  assert_int_equal(s.script.questions, 4);
  close_scene(&s);
}

static bt_status take_flags(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  ((bool *)context)[read->index] = read->needs_by_id;
  return BT_OK;
}

static void check_far(const script *as) {
  scene s = {.script = *as};
  bool flags[IDS] = {false};
  bt_source_account account = {0};
  open_scene(&s);
  bt_read_request request = {.ids = s.ids, .count = IDS, .range = {0, 1000 * second_ns}};
  assert_int_equal(bt_source_read(s.source, &request, take_flags, flags, &account, &s.error), BT_OK);
  for (unsigned i = 0; i < IDS; i++) assert_int_equal(flags[i], i == 3);
  request.by_id = true;
  assert_int_equal(bt_source_read(s.source, &request, take_flags, flags, &account, &s.error), BT_OK);
  assert_false(flags[3]);
  bt_source_account_dispose(&account);
  close_scene(&s);
}

static void what_reaches_far_is_read_by_id(void **state) {
  char id[33];
  (void)state;
  write_id(id, 3);
  check_far(&(script){.far_id = id});
  check_far(&(script){.far_id = id, .is_unknown = true});
}

/* What only long spans, those without a start and those of a broken clock could answer is a part of its own. */
static void only_rows_that_may_be_there_are_asked_for(void **state) {
  static const script scripts[] = {{.rare = 0}, {.rare = 1}, {.rare = 4}, {.rare = 7}, {.refuses_rare = true}};
  static const unsigned parts[] = {0, 1, 1, 3, 3};
  bt_cancel cancel = {false};
  (void)state;
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
    scene s = {.script = scripts[i]};
    given g = {0};
    unsigned count = 0;
    open_scene(&s);
    assert_int_equal(find_all_spans(&s, 0, &g), BT_OK);
    for (const char *at = s.script.sql; (at = strstr(at, " UNION ALL ")) != NULL; at++) count++;
    assert_int_equal(count, parts[i]);
    unsigned looks = s.script.looks;
    assert_int_equal(find_all_spans(&s, 0, &g), BT_OK);
    assert_int_equal(s.script.looks, looks);
    (void)bt_source_promises(s.source, BT_PROMISES_ALL, &cancel); /* a replay begins */
    assert_true(s.script.looks > looks);
    close_scene(&s);
  }
}

static void spans_that_lack_something_are_none(void **state) {
  static const struct {
    script script;
    bt_status status;
  } rows[] = {{{.lacks_a_row = true}, BT_UNAVAILABLE},
              {{.hides_summary = true}, BT_UNAVAILABLE},
              {{.cuts_a_row = true}, BT_LIMIT}, /* some row cannot be read: it is asked otherwise */
              {{.code = 999}, BT_UNAVAILABLE},
              {{.code = 241}, BT_LIMIT}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    scene s = {.script = rows[i].script};
    given g = {0};
    open_scene(&s);
    assert_int_equal(find_all_spans(&s, 0, &g), rows[i].status);
    assert_int_equal(g.traces, 0);
    close_scene(&s);
  }
}

/* It would hang again, and the server may still be at it. */
static void what_took_all_its_time_is_not_asked_again(void **state) {
  scene s = {.script = {.hangs = true}};
  char reason[200];
  (void)state;
  open_scene(&s);
  assert_int_equal(search_until(&s, second_ns, reason), 0);
  assert_non_null(strstr(reason, "within 500 ms"));
  assert_int_equal(s.script.questions, 1);
  close_scene(&s);
}

static void batches_that_are_too_much_are_divided(void **state) {
  scene s = {.script = {.most_ids = 3}};
  given g = {0};
  (void)state;
  open_scene(&s);
  assert_int_equal(read_all(&s, &g), BT_OK);
  assert_int_equal(g.traces, IDS - 1);
  assert_true(s.script.reads >= IDS / 3);
  close_scene(&s);
}

static void what_may_hide_rows_is_refused(void **state) {
  static const struct {
    script script;
    const char *says;
  } rows[] = {{{.fixed_setting = "limit"}, "limit"},
              {{.fixed_setting = "skip_unavailable_shards"}, "skip_unavailable_shards"},
              {{.unknown_setting = "&skip_unavailable_shards=", .skips_shards = true}, "may leave out shards"},
              {{.without_column = "Events.Name"}, "Events.Name"},
              {{.without_column = "TraceId"}, "TraceId"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    scene s = {.script = rows[i].script};
    char reason[200];
    open_scene(&s);
    assert_int_equal(bt_source_check(s.source, NULL, &s.error), BT_REFUSED);
    assert_non_null(strstr(s.error.message, rows[i].says));
    assert_int_equal(search(&s, reason), 0);
    assert_true(reason[0]);
    close_scene(&s);
  }
}

static void a_setting_that_is_unknown_or_fixed_without_harm_is_left_out(void **state) {
  static const script scripts[] = {
      {.unknown_setting = "&use_query_cache="}, {.fixed_setting = "log_comment"}, {.skips_shards = true}};
  (void)state;
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
    scene s = {.script = scripts[i]};
    char reason[200];
    open_scene(&s);
    assert_int_equal(search(&s, reason), IDS);
    close_scene(&s);
  }
}

static void addresses_that_are_none_are_refused(void **state) {
  static const char *const urls[] = {"http://h:1",     "http://h:1/",          "http://h/d?x=1",
                                     "http://u:p@h/d", "http://h/d?table=a'b", "http://h/d?table=a&b=c",
                                     "ftp://h/d",      "http://h/d%27"};
  bt_http_client *client = NULL;
  bt_source *source = NULL;
  bt_error error = {0};
  (void)state;
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    assert_int_equal(bt_clickhouse_source_new(client, &(bt_clickhouse_options){.url = urls[i]}, &source, &error),
                     BT_INVALID);
  bt_clickhouse_options options = {.url = "http://h/d", .user = "u", .password = "sesame\r\nX: y"};
  assert_int_equal(bt_clickhouse_source_new(client, &options, &source, &error), BT_INVALID);
  assert_null(strstr(error.message, "sesame"));
  bt_http_client_free(client);
}

/* The status, and whether the list is said to be cut. */
static bt_status ask_names(scene *s, bool *is_cut) {
  bt_tag_request request = {.scope = BT_TAG_SPAN, .range = {0, 1000 * second_ns}};
  bt_tag_list list = {0};
  open_scene(s);
  bt_status status = bt_source_tag_names(s->source, &request, &list, &s->error);
  if (status == BT_OK) assert_int_equal(list.count, 1);
  if (status == BT_OK) assert_true(bt_str_equal(list.items[0].text, BT_STR("http.route")));
  *is_cut = list.is_cut;
  bt_tag_list_dispose(&list);
  close_scene(s);
  return status;
}

/* They are asked for in two parts of the range, each once: somebody is typing. */
static void names_that_may_lack_some_are_cut(void **state) {
  bool is_cut;
  (void)state;
  scene all = {0}, broken_off = {.script.looked_at = "2000000"}, half = {.script.most_names = 1};
  assert_int_equal(ask_names(&all, &is_cut), BT_OK);
  assert_false(is_cut);
  assert_int_equal(ask_names(&broken_off, &is_cut), BT_OK);
  assert_true(is_cut);
  assert_int_equal(ask_names(&half, &is_cut), BT_OK);
  assert_true(is_cut);
  assert_int_equal(half.script.names, 2);
  scene none = {.script.names = 1, .script.most_names = 1}, lacking = {.script.lacks_a_row = true};
  assert_int_equal(ask_names(&none, &is_cut), BT_REFUSED);
  assert_int_equal(none.script.names, 2);
  assert_int_equal(ask_names(&lacking, &is_cut), BT_UNAVAILABLE);
}

/* Whatever is cut off, and whatever the lengths say. */
static void rows_end_where_the_bytes_end(void **state) {
  static const char bytes[] = "\x03"
                              "abc\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  (void)state;
  bt_row_reader reader = {bytes, bytes + sizeof bytes - 1, false};
  assert_true(bt_str_equal(bt_row_text(&reader), BT_STR("abc")));
  assert_int_equal(bt_row_text(&reader).len, 0);
  assert_true(reader.failed);
  assert_int_equal(bt_row_int64(&reader), 0);
  for (size_t length = 0; length < 4; length++) {
    reader = (bt_row_reader){bytes, bytes + length, false};
    assert_int_equal(bt_row_text(&reader).len, 0);
    assert_true(reader.failed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_and_reads),
      cmocka_unit_test(what_reaches_far_is_read_by_id),
      cmocka_unit_test(an_answer_that_lacks_something_is_none),
      cmocka_unit_test(spans_are_found_with_the_keys_of_a_rule),
      cmocka_unit_test(only_rows_that_may_be_there_are_asked_for),
      cmocka_unit_test(spans_that_lack_something_are_none),
      cmocka_unit_test(what_took_all_its_time_is_not_asked_again),
      cmocka_unit_test(batches_that_are_too_much_are_divided),
      cmocka_unit_test(what_may_hide_rows_is_refused),
      cmocka_unit_test(a_setting_that_is_unknown_or_fixed_without_harm_is_left_out),
      cmocka_unit_test(addresses_that_are_none_are_refused),
      cmocka_unit_test(names_that_may_lack_some_are_cut),
      cmocka_unit_test(rows_end_where_the_bytes_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
