/* The scripted Tempo. See span_server.h. */
#include "tests/tempo/span_server.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/text.h"

/* ---- the traces ---- */

/* The lowest and the highest id of each first byte, between which all first parts lie, and ids with every number of
 * zeros in front. */
bt_trace_id scripted_id(size_t i) {
  bt_trace_id id = {{0}};
  if (i < 512) {
    memset(id.bytes, i % 2 ? 0xff : 0, sizeof id.bytes);
    id.bytes[0] = (uint8_t)(i / 2);
    if (i == 0) id.bytes[15] = 1; /* an id of zeros is none */
    return id;
  }
  id.bytes[1 + (i - 512) / 2] = i % 2 ? 0x10 : 0x0f;
  return id;
}

size_t scripted_span_count(size_t i) {
  return 1 + i % 3;
}

int64_t scripted_span_start_ns(size_t i, size_t k) {
  int64_t first_ns = (FIRST_S + (int64_t)i * scripted.apart_s) * second_ns;
  return first_ns + ((int64_t)i + 10 * (int64_t)k) * ms_ns;
}

size_t scripted_span_id(size_t i, size_t k) {
  return (i + 1) * 16 + k + 1;
}

/* ---- the scripted Tempo ---- */

span_script scripted;

size_t scripted_number(const size_t *number) {
  pthread_mutex_lock(&scripted.mutex);
  size_t value = *number;
  pthread_mutex_unlock(&scripted.mutex);
  return value;
}

/* Tempo gives what is selected and nothing else. */
static bool selects(const char *query, const char *field) {
  const char *at = strstr(query, "select(");
  size_t length = strlen(field);
  while (at && (at = strstr(at + 1, field)))
    if (at[-1] == ' ' && (at[length] == ',' || at[length] == ')')) return true;
  return false;
}

static void append_text(bt_buffer *out, size_t i, const char *key, const char *value) {
  bool is_left_out = i == ODD && scripted.odd_leaves_out && strcmp(scripted.odd_leaves_out, key) == 0;
  if (!is_left_out) bt_buffer_printf(out, "{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}},", key, value);
}

static void append_span(bt_buffer *out, const char *query, size_t i, size_t k) {
  bool is_odd = i == ODD;
  char parent[17];
  snprintf(parent, sizeof parent, "%016zx", k ? scripted_span_id(i, 0) : 0);
  bt_buffer_printf(out, "{\"spans\":[{\"spanID\":\"%zx\",\"name\":\"%s\",", scripted_span_id(i, k),
                   is_odd && scripted.odd_name ? scripted.odd_name : "step");
  bt_buffer_printf(out, "\"startTimeUnixNano\":\"%lld\",\"durationNanos\":\"1000\",\"attributes\":[",
                   (long long)scripted_span_start_ns(i, k));
  append_text(out, i, "kind", "server");
  if (selects(query, "status")) append_text(out, i, "status", "error");
  if (selects(query, "span:parentID")) append_text(out, i, "span:parentID", parent);
  if (selects(query, "resource.service.name"))
    append_text(out, i, "service.name", is_odd && scripted.odd_service ? scripted.odd_service : "shop");
  if (is_odd && scripted.odd_attributes) bt_buffer_printf(out, "%s,", scripted.odd_attributes);
  bt_buffer_printf(out, "{\"key\":\"n\",\"value\":{\"intValue\":\"%zu\"}}]}],\"matched\":%u}", scripted_span_id(i, k),
                   is_odd && scripted.odd_matched ? scripted.odd_matched : 1);
}

/* Spans from..to-1 in one row. The last one of a trace lasts i % 7 ms. */
static void append_row(bt_buffer *out, const char *query, size_t i, size_t from, size_t to) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id id = scripted_id(i);
  bt_trace_id_format(&id, hex);
  size_t last_ms = to == scripted_span_count(i) ? i % 7 : 0;
  bt_buffer_printf(out, "%s{\"traceID\":\"%s\",\"startTimeUnixNano\":\"%lld\",\"durationMs\":%zu,\"spanSets\":[",
                   out->ptr[out->len - 1] == '[' ? "" : ",", hex + strspn(hex, "0"),
                   (long long)scripted_span_start_ns(i, from), (to - from - 1) * 10 + last_ms);
  for (size_t k = from; k < to; k++) {
    if (k > from) bt_buffer_append_char(out, ',');
    append_span(out, query, i, k);
  }
  bt_buffer_append(out, BT_STR("]}"));
}

static void append_trace(bt_buffer *out, const char *query, size_t i) {
  size_t step = scripted.in_pieces ? 1 : scripted_span_count(i);
  for (size_t k = 0; k < scripted_span_count(i); k += step) append_row(out, query, i, k, k + step);
}

/* new: the regex on trace:id, of what is asked for (=~) or left out (!~); "" where there is none. */
static char *pattern_of(const char *query, const char *operator) {
  char start[20];
  snprintf(start, sizeof start, "trace:id %s \"", operator);
  const char *at = strstr(query, start);
  if (!at) return strdup("");
  at += strlen(start);
  return strndup(at, strcspn(at, "\""));
}

/* Anchored, on the id without the zeros in front. */
static bool matches(const regex_t *regex, const bt_trace_id *id) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  return regexec(regex, hex + strspn(hex, "0"), 0, NULL, 0) == 0;
}

static void compile(const char *pattern, regex_t *regex) {
  bt_buffer whole = {0};
  bt_buffer_printf(&whole, *pattern ? "^(%s)$" : "%s.", pattern);
  if (whole.failed || regcomp(regex, whole.ptr, REG_EXTENDED | REG_NOSUB) != 0) abort(); /* not a test's thread */
  bt_buffer_dispose(&whole);
}

typedef struct choice {
  size_t items[TRACES], count;
  bool has_odd;
} choice;

/* What the filter finds, and after that what is too much. */
static void choose(const char *pattern, const char *without, choice *out) {
  regex_t regex, left_out;
  size_t others[TRACES], other_count = 0;
  *out = (choice){.count = 0};
  compile(pattern, &regex);
  compile(*without ? without : "none", &left_out);
  for (size_t i = 0; i < TRACES; i++) {
    bt_trace_id id = scripted_id(i);
    bool found = matches(&regex, &id);
    if (matches(&left_out, &id)) continue;
    if (found) out->items[out->count++] = i;
    if (!found) others[other_count++] = i;
    out->has_odd = out->has_odd || (found && i == ODD);
  }
  regfree(&regex);
  regfree(&left_out);
  for (size_t i = 0; i < scripted.beyond && i < other_count; i++) out->items[out->count++] = others[i];
}

static bool refuse(int socket, int status, const char *sentence) {
  return fake_respond(socket, status, "text/plain; charset=utf-8", "", sentence, strlen(sentence));
}

static void count_one(size_t *number) {
  pthread_mutex_lock(&scripted.mutex);
  ++*number;
  pthread_mutex_unlock(&scripted.mutex);
}

static bool refuse_as_too_large(int socket) {
  count_one(&scripted.too_large);
  return refuse(socket, 500, "response larger than the max (17936214 vs 16777216)");
}

static bool refuse_limit(int socket) {
  char sentence[64] = "the limit exceeds max limit";
  if (scripted.most_limit > 0)
    snprintf(sentence, sizeof sentence, "limit 1000 exceeds max limit %d", (int)scripted.most_limit);
  count_one(&scripted.refused);
  return refuse(socket, 400, sentence);
}

/* 80 MiB of blanks: until the client has enough. */
static bool flood(int socket) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 83886080\r\n\r\n{\"traces\":[";
  char blanks[65536];
  memset(blanks, ' ', sizeof blanks);
  count_one(&scripted.too_large);
  bool sent = fake_send(socket, head, strlen(head));
  for (size_t i = 0; sent && i < 1280; i++) sent = fake_send(socket, blanks, sizeof blanks);
  return false;
}

static void spoil_last_span(const bt_buffer *body) {
  char *last = NULL, *end = body->ptr + body->len;
  for (char *at = body->ptr; (at = memmem(at, (size_t)(end - at), "\"spanID\":\"", 10)); at += 10) last = at;
  if (last) last[10] = 'x';
}

static bool send_body(int socket, const bt_buffer *body, bool is_broken) {
  char head[128];
  if (is_broken && scripted.how == BAD_SPAN) {
    spoil_last_span(body);
    is_broken = false;
  }
  size_t sent = is_broken ? body->len / 2 : body->len;
  if (!is_broken || scripted.how == HALF_JSON)
    return fake_respond(socket, 200, "application/json", "", body->ptr, sent);
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
           body->len);
  (void)(fake_send(socket, head, strlen(head)) && fake_send(socket, body->ptr, sent));
  return false;
}

static void note_pattern(const char *pattern) {
  pthread_mutex_lock(&scripted.mutex);
  scripted.answered++;
  if (scripted.pattern_count < PATTERNS) scripted.patterns[scripted.pattern_count++] = strdup(pattern);
  pthread_mutex_unlock(&scripted.mutex);
}

static int64_t number_parameter(const char *target, const char *name) {
  char *text = fake_parameter(target, name);
  int64_t number = text ? strtoll(text, NULL, 10) : 0;
  free(text);
  return number;
}

static void keep_time(choice *chosen, int64_t start_s, int64_t end_s) {
  size_t kept = 0;
  for (size_t c = 0; c < chosen->count; c++) {
    int64_t at_ns = scripted_span_start_ns(chosen->items[c], 0);
    if (at_ns >= start_s * second_ns && at_ns <= end_s * second_ns) chosen->items[kept++] = chosen->items[c];
  }
  chosen->count = kept;
}

static bool answer_rows(int socket, const char *query, size_t limit, size_t number, const char *target) {
  choice chosen;
  char *pattern = pattern_of(query, "=~"), *without = scripted.ignores_ids ? strdup("") : pattern_of(query, "!~");
  int64_t start_s = number_parameter(target, "start");
  choose(pattern, without, &chosen);
  free(without);
  if (scripted.apart_s) keep_time(&chosen, start_s, number_parameter(target, "end"));
  if (start_s > FIRST_S) count_one(&scripted.windows);
  bool is_broken = scripted.how != WHOLE && number >= scripted.broken_from && number <= scripted.broken_to, keep;
  if ((scripted.has_huge && chosen.has_odd) || (scripted.largest_rows && chosen.count > scripted.largest_rows)) {
    keep = refuse_as_too_large(socket);
  } else if (scripted.is_endless || (scripted.largest_body && chosen.count > scripted.largest_body)) {
    keep = flood(socket);
  } else {
    bt_buffer body = {0};
    bt_buffer_append(&body, BT_STR("{\"traces\":["));
    for (size_t i = 0; i < chosen.count && i < limit; i++) append_trace(&body, query, chosen.items[i]);
    bt_buffer_append(&body, BT_STR("],\"metrics\":{\"inspectedBytes\":\"10\"}}"));
    if (!is_broken && chosen.count < limit) note_pattern(pattern);
    keep = send_body(socket, &body, is_broken);
    bt_buffer_dispose(&body);
  }
  free(pattern);
  return keep;
}

/* Ids and bounds only. Of the traces that are said to have many spans the question shows what lies in one piece, and
 * that is not where they end. */
static bool answer_side_question(int socket, const char *query, size_t limit) {
  choice chosen;
  char *pattern = pattern_of(query, "=~");
  bool asks_for_crowded = strstr(query, " | count() >= ") != NULL;
  size_t shown = 0;
  bt_buffer body = {0};
  count_one(&scripted.side_questions);
  choose(pattern, "", &chosen);
  free(pattern);
  if (asks_for_crowded && scripted.crowd_status) return refuse(socket, scripted.crowd_status, "no such function");
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  for (size_t c = 0; c < chosen.count && shown < limit; c++) {
    size_t i = chosen.items[c], count = scripted_span_count(i);
    bool is_crowded = scripted.crowded_from && count >= scripted.crowded_from;
    if (asks_for_crowded && !is_crowded) continue;
    append_row(&body, query, i, asks_for_crowded ? count - 1 : 0, count);
    shown++;
  }
  bt_buffer_append(&body, BT_STR("],\"metrics\":{\"inspectedBytes\":\"10\"}}"));
  bool keep = send_body(socket, &body, false);
  bt_buffer_dispose(&body);
  return keep;
}

bool scripted_answer(void *context, const fake_request *request, int socket) {
  (void)context;
  bool kept;
  if (fake_knows_no_lists(request, socket, &kept)) return kept;
  char *query = fake_parameter(request->target, "q");
  int64_t limit = number_parameter(request->target, "limit"), spans_per_set = number_parameter(request->target, "spss");
  int64_t length_s = number_parameter(request->target, "end") - number_parameter(request->target, "start");
  if (!query || limit <= 0 || length_s <= 0) abort();
  bool is_for_spans = strstr(query, "select(") != NULL;
  pthread_mutex_lock(&scripted.mutex);
  size_t number = is_for_spans ? ++scripted.requests : 0;
  char *shown = is_for_spans ? scripted.query : NULL;
  if (is_for_spans) scripted.spans_per_set = (size_t)spans_per_set;
  if (is_for_spans) scripted.query = strdup(query);
  pthread_mutex_unlock(&scripted.mutex);
  free(shown);
  bool keep;
  if (scripted.refuses_all)
    keep = refuse(socket, 400, "no such field");
  else if (scripted.down_from && number >= scripted.down_from)
    keep = refuse(socket, 503, "down at 10.0.0.1");
  else if (scripted.longest_s && length_s > scripted.longest_s)
    keep = refuse(socket, 400, "range specified by start and end exceeds 0h1m0s. received start=1 end=1000");
  else if (scripted.most_limit && limit > scripted.most_limit)
    keep = refuse_limit(socket);
  else if (scripted.most_per_set && (size_t)spans_per_set > scripted.most_per_set)
    keep = refuse(socket, 400, "spans per span set exceeds 10. received 100");
  else if (!is_for_spans)
    keep = answer_side_question(socket, query, (size_t)limit);
  else
    keep = answer_rows(socket, query, (size_t)limit, number, request->target);
  free(query);
  return keep;
}

size_t scripted_first_unasked(const bt_trace_id *ids, size_t count) {
  bool found[TRACES] = {false};
  size_t first = 0;
  for (size_t p = 0; p < scripted.pattern_count; p++) {
    regex_t regex;
    compile(scripted.patterns[p], &regex);
    for (size_t i = 0; i < count; i++) found[i] = found[i] || matches(&regex, &ids[i]);
    regfree(&regex);
  }
  while (first < count && found[first]) first++;
  return first;
}

void scripted_start(void) {
  scripted = (span_script){.requests = 0};
  pthread_mutex_init(&scripted.mutex, NULL);
}

void scripted_end(void) {
  for (size_t i = 0; i < scripted.pattern_count; i++) free(scripted.patterns[i]);
  free(scripted.query);
  pthread_mutex_destroy(&scripted.mutex);
}
