/* See scripted_tempo.h. */
#include "tests/tempo/scripted_tempo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t second_ns = 1000000000;

fake_tempo scripted;

uint64_t scripted_random(void) {
  scripted.random = scripted.random * 6364136223846793005u + 1442695040888963407u;
  return scripted.random >> 33;
}

static bool matches_one(const char *pattern, size_t length, const char *hex) {
  bool is_prefix = length >= 2 && pattern[length - 2] == '.' && pattern[length - 1] == '*';
  if (is_prefix) return strncmp(hex, pattern, length - 2) == 0;
  return strlen(hex) == length && strncmp(hex, pattern, length) == 0;
}

/* The alternatives of the regex, as Tempo matches them: on the id without its leading zeros, anchored. */
static bool matches(const char *query, const bt_trace_id *id) {
  char hex[33];
  bt_trace_id_format(id, hex);
  const char *stripped = hex + strspn(hex, "0");
  const char *at = strstr(query, "trace:id =~ \"");
  if (!at) return true;
  at += strlen("trace:id =~ \"");
  for (;;) {
    size_t length = strcspn(at, "|\"");
    if (matches_one(at, length, stripped)) return true;
    if (at[length] != '|') return false;
    at += length + 1;
  }
}

static void append_row(bt_buffer *out, const fake_trace *trace, bool first) {
  char hex[33];
  bt_trace_id_format(&trace->id, hex);
  bt_buffer_printf(
      out, "%s{\"traceID\":\"%s\",\"rootServiceName\":\"shop\",\"startTimeUnixNano\":\"%lld\",\"durationMs\":%lld}",
      first ? "" : ",", hex + strspn(hex, "0"), (long long)(trace->start_s * second_ns),
      (long long)((trace->end_s - trace->start_s) * 1000));
}

/* Matching traces from place `from` on, so that what a full answer holds is any part of them. */
static size_t write_rows(bt_buffer *out, const char *query, size_t from, int64_t start_s, int64_t end_s, size_t limit) {
  size_t rows = 0;
  for (size_t i = 0; i < scripted.count && rows < limit; i++) {
    const fake_trace *trace = &scripted.traces[(from + i) % scripted.count];
    bool is_asked = !trace->arrived_s || (trace->arrived_s >= start_s && trace->arrived_s <= end_s);
    if (!is_asked || trace->start_s > end_s || trace->end_s < start_s || !matches(query, &trace->id)) continue;
    append_row(out, trace, rows == 0);
    rows++;
  }
  return rows;
}

/* Rows that fit every question and are never all. */
static void write_always_full(bt_buffer *out, const char *query, int64_t start_s, size_t limit) {
  const char *at = strstr(query, ".*");
  const char *from = at;
  while (from && from > query && ((from[-1] >= '0' && from[-1] <= '9') || (from[-1] >= 'a' && from[-1] <= 'f'))) from--;
  size_t length = from ? (size_t)(at - from) : 0;
  for (size_t i = 0; i < limit; i++) {
    char hex[33];
    snprintf(hex, sizeof hex, "%.*sfedcba98%zu", (int)length, from ? from : "", i);
    fake_trace trace = {.start_s = start_s, .end_s = start_s};
    if (bt_trace_id_parse(bt_str_from(hex), &trace.id)) append_row(out, &trace, i == 0);
  }
}

/* As Tempo 3.0.3 says it (modules/livestore, modules/querier). */
static const char lag_sentence[] =
    "error querying live-stores in Querier.SearchRecent: rpc error: code = Unknown desc = "
    "cannot guarantee complete results";

static bool send_endlessly(int socket) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", piece[1 << 20];
  bool goes_on = fake_send(socket, head, sizeof head - 1);
  while (goes_on) goes_on = fake_send(socket, piece, sizeof piece);
  return false;
}

static bool answer_fault(int socket, fault which, const bt_buffer *body) {
  char head[128];
  switch (which) {
  case BUSY: return fake_respond(socket, 429, "text/plain", "Retry-After: 1\r\n", "slow down", 9);
  case DOWN: return fake_respond(socket, 503, "text/plain", "", "down at 10.0.0.1:3200", 21);
  case BROKEN: return fake_respond(socket, 500, "text/plain", "", "rpc error at 10.0.0.1:3200", 26);
  case LAGS: return fake_respond(socket, 500, "text/plain; charset=utf-8", "", lag_sentence, strlen(lag_sentence));
  case HALF_JSON: return fake_respond(socket, 200, "application/json", "", body->ptr, body->len / 2);
  case HTML: return fake_respond(socket, 200, "text/html", "", "<html>log in</html>", 19);
  case HANG: return fake_hang(socket);
  case CUT:
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             body->len);
    (void)(fake_send(socket, head, strlen(head)) && fake_send(socket, body->ptr, body->len / 2));
    return false;
  case ENDLESS: return send_endlessly(socket);
  case NO_FAULT:
  case ALWAYS_FULL:
  case REPEATED:
  case FAULTS: break;
  }
  return fake_respond(socket, 200, "application/json", "", body->ptr, body->len);
}

static bool refuse(int socket, int status, const char *sentence) {
  return fake_respond(socket, status, "text/plain; charset=utf-8", "", sentence, strlen(sentence));
}

/* Tempo 2.10 and 3.0 (pkg/api, ClampDateRangeReq): nothing is later than now, and who asks for nothing but that is told
 * of the last hour. */
static void clamp_to_clock(int64_t *start_s, int64_t *end_s) {
  if (!scripted.newest_s || *end_s <= scripted.newest_s) return;
  *end_s = scripted.newest_s;
  if (*start_s > *end_s) *start_s = scripted.newest_s - 3600;
}

static size_t count_in(const char *query, const char *text) {
  size_t count = 0;
  for (const char *at = query; (at = strstr(at, text)); at++) count++;
  return count;
}

static void note_link_tests(const char *query) {
  pthread_mutex_lock(&scripted.mutex);
  scripted.link_tests += count_in(query, "link:traceID");
  scripted.link_span_tests += count_in(query, "link:spanID = ");
  scripted.narrowed_link_tests += strncmp(query, "{ (link:", 8) == 0 && strstr(query, ") && (kind = consumer) }");
  scripted.any_link_tests += count_in(query, "link:traceID != \"\"");
  pthread_mutex_unlock(&scripted.mutex);
}

static bool answer_search(int socket, const char *query, int64_t start_s, int64_t end_s, int64_t limit) {
  pthread_mutex_lock(&scripted.mutex);
  scripted.requests++;
  fault which = scripted.choose ? scripted.choose(&scripted, start_s, end_s) : NO_FAULT;
  size_t from = scripted.count ? scripted_random() % scripted.count : 0;
  pthread_mutex_unlock(&scripted.mutex);
  clamp_to_clock(&start_s, &end_s);
  if (start_s >= end_s) return refuse(socket, 400, "http parameter start must be before end. received start=1 end=1");
  if (scripted.longest_query && strlen(query) > scripted.longest_query) return refuse(socket, 414, "URI Too Long");
  note_link_tests(query);
  if (scripted.names_no_range) return refuse(socket, 400, "range specified by start and end exceeds what is allowed");
  if (scripted.longest_s && end_s - start_s > scripted.longest_s)
    return refuse(socket, 400, "range specified by start and end exceeds 0h1m0s. received start=1 end=1000");
  if (scripted.stumbles_over && strstr(query, scripted.stumbles_over))
    return refuse(socket, 500, "rpc error at 10.0.0.1:3200: unexpected numbers of pre-compiled regexp");
  if (scripted.most_limit && limit > scripted.most_limit) return refuse(socket, 400, "limit 1000 exceeds max limit 30");
  bt_buffer body = {0};
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  size_t rows = 0;
  if (which == ALWAYS_FULL)
    write_always_full(&body, query, start_s, (size_t)limit);
  else
    rows = write_rows(&body, query, from, start_s, end_s, (size_t)limit);
  for (size_t again = rows; which == REPEATED && rows && again < (size_t)limit;) {
    bt_buffer_append_char(&body, ',');
    again += write_rows(&body, query, from, start_s, end_s, (size_t)limit - again);
  }
  bt_buffer_append(&body, BT_STR("],\"metrics\":{\"inspectedBytes\":\"100\"}}"));
  pthread_mutex_lock(&scripted.mutex);
  scripted.full += rows == (size_t)limit;
  pthread_mutex_unlock(&scripted.mutex);
  bool is_too_large = scripted.largest_rows && rows > scripted.largest_rows;
  bool keep = is_too_large ? refuse(socket, 500, "response larger than the max (17936214 vs 16777216)")
                           : answer_fault(socket, which, &body);
  bt_buffer_dispose(&body);
  return keep;
}

bool scripted_answer(void *context, const fake_request *request, int socket) {
  (void)context;
  char *query = fake_parameter(request->target, "q"), *start = fake_parameter(request->target, "start");
  char *end = fake_parameter(request->target, "end"), *limit = fake_parameter(request->target, "limit");
  bool keep = query && start && end && limit &&
              answer_search(socket, query, strtoll(start, NULL, 10), strtoll(end, NULL, 10), strtoll(limit, NULL, 10));
  free(query);
  free(start);
  free(end);
  free(limit);
  return keep;
}
