/* Asking ClickHouse. See clickhouse_query.h. */
#include "tempo/clickhouse/clickhouse_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/url.h"

enum {
  /* Codes of exceptions: more than is allowed of something, or than there is. */
  TOO_MANY_ROWS = 158,
  TIMEOUT_EXCEEDED = 159,
  MEMORY_LIMIT_EXCEEDED = 241,
  TOO_MANY_BYTES = 307,
  TOO_MANY_ROWS_OR_BYTES = 396,
  /* and such as may pass: of the network, of shards that are restarting, of too many questions at once. */
  TOO_MANY_SIMULTANEOUS_QUERIES = 202,
  SOCKET_TIMEOUT = 209,
  NETWORK_ERROR = 210,
  ALL_CONNECTION_TRIES_FAILED = 279
};

#define ROW(name, value, matters) {name, value, matters},
const bt_clickhouse_setting bt_clickhouse_settings[BT_CLICKHOUSE_SETTINGS] = {BT_CLICKHOUSE_EACH_SETTING(ROW)};

/* ---- the request ---- */

/* A parameter's value as ClickHouse reads it: escaped as in a tab-separated file. */
static void append_escaped(bt_buffer *out, bt_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '\\' || c == '\t' || c == '\n' || c == '\0') bt_buffer_append_char(out, '\\');
    if (c == '\t') c = 't';
    if (c == '\n') c = 'n';
    if (c == '\0') c = '0';
    bt_buffer_append_char(out, c);
  }
}

static void append_parameter(bt_buffer *url, const char *name, bt_str value) {
  bt_buffer escaped = {0};
  append_escaped(&escaped, value);
  bt_buffer_printf(url, "&param_%s=", name);
  bt_url_encode(url, bt_buffer_str(&escaped));
  url->failed = url->failed || escaped.failed;
  bt_buffer_dispose(&escaped);
}

static void append_settings(bt_buffer *url, const bt_clickhouse_found *found, const char *rule_id) {
  for (size_t i = 0; found && i < BT_CLICKHOUSE_SETTINGS; i++) {
    const bt_clickhouse_setting *setting = &bt_clickhouse_settings[i];
    if (!found->sends[i]) continue;
    bool is_comment = strcmp(setting->name, "log_comment") == 0 && rule_id;
    bt_buffer_printf(url, "&%s=", setting->name);
    bt_url_encode(url, bt_str_from(setting->value));
    if (is_comment) bt_buffer_append(url, BT_STR("%20"));
    if (is_comment) bt_url_encode(url, bt_str_from(rule_id));
  }
}

bool bt_clickhouse_sends(const bt_clickhouse_found *found, const char *setting) {
  size_t i = 0;
  while (i < BT_CLICKHOUSE_SETTINGS && strcmp(bt_clickhouse_settings[i].name, setting) != 0) i++;
  return i < BT_CLICKHOUSE_SETTINGS && found->sends[i];
}

/* A server passes over what a request sets to the value that it has already, and then a table's own setting holds. What
 * the statement sets holds in any case. */
static void append_statement(bt_buffer *url, const char *sql, const bt_clickhouse_found *found) {
  bt_url_encode(url, bt_str_from(sql));
  if (found && bt_clickhouse_sends(found, BT_CLICKHOUSE_SKIPS))
    bt_url_encode(url, BT_STR(" SETTINGS " BT_CLICKHOUSE_SKIPS " = 0"));
}

static void write_path(const bt_clickhouse *clickhouse, const bt_clickhouse_question *question,
                       const bt_clickhouse_found *found, bt_buffer *url) {
  char number[32];
  bt_buffer_append(url, BT_STR("/?wait_end_of_query=1&default_format=RowBinary&query="));
  append_statement(url, question->sql, found);
  append_settings(url, found, question->rule_id);
  append_parameter(url, "database", bt_str_from(clickhouse->database));
  append_parameter(url, "table", bt_str_from(clickhouse->table));
  for (size_t i = 0; i < question->number_count; i++) {
    snprintf(number, sizeof number, "%" PRId64, question->numbers[i].number);
    bt_buffer_printf(url, "&param_%s=%s", question->numbers[i].name, number);
  }
  for (size_t i = 0; i < question->text_count; i++) {
    snprintf(number, sizeof number, "f%zu", i);
    append_parameter(url, number, question->texts[i]);
  }
  if (question->ids) bt_buffer_append(url, BT_STR("&ids_structure=id%20String&ids_format=TSV"));
}

#define BOUNDARY "betrace-8f1d6c0e5b7a4932"

/* The ids as the one part of a form, in digits, so that none of them can look like the end of it. */
static void write_ids(const bt_clickhouse_question *question, bt_buffer *body) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_buffer_append(body, BT_STR("--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"ids\"; filename=\"ids\"\r\n"
                                "Content-Type: application/octet-stream\r\n\r\n"));
  for (size_t i = 0; i < question->id_count; i++)
    if (!bt_trace_id_is_zero(&question->ids[i])) {
      bt_trace_id_format(&question->ids[i], hex);
      hex[BT_TRACE_ID_HEX] = '\n';
      bt_buffer_append(body, (bt_str){hex, sizeof hex});
    }
  bt_buffer_append(body, BT_STR("\r\n--" BOUNDARY "--\r\n"));
}

/* ---- the answer ---- */

/* "Code: 241. DB::Exception: …" */
static int code_of(bt_str body) {
  static const char word[] = "Code: ";
  char head[32];
  snprintf(head, sizeof head, "%.*s", (int)(body.len < sizeof head ? body.len : sizeof head - 1),
           body.ptr ? body.ptr : "");
  return strncmp(head, word, sizeof word - 1) == 0 ? (int)strtol(head + sizeof word - 1, NULL, 10) : 0;
}

bool bt_clickhouse_is_too_much(int code) {
  return code == TOO_MANY_ROWS || code == TIMEOUT_EXCEEDED || code == MEMORY_LIMIT_EXCEEDED || code == TOO_MANY_BYTES ||
         code == TOO_MANY_ROWS_OR_BYTES;
}

static bool may_pass(int status, int code) {
  return code == TOO_MANY_SIMULTANEOUS_QUERIES || code == SOCKET_TIMEOUT || code == NETWORK_ERROR ||
         code == ALL_CONNECTION_TRIES_FAILED || (!code && (status == 429 || status >= 500));
}

/* {"read_rows":"5",…,"result_rows":"3",…}: older servers do not say it. */
static bool find_row_count(const bt_http_response *response, uint64_t *out) {
  const char *at = strstr(response->kept_header, "\"result_rows\":\"");
  if (!at) return false;
  *out = strtoull(at + strlen("\"result_rows\":\""), NULL, 10);
  return true;
}

/* What a complete answer means. True: it is worth another attempt. */
static bool judge_answer(bt_remote_answer *answer) {
  bt_str body = bt_buffer_str(&answer->response.body);
  if (answer->response.status == 200) {
    answer->outcome = BT_REMOTE_ANSWERED;
    if (!find_row_count(&answer->response, &answer->row_count))
      bt_remote_fail(answer,
                     "the answer does not say how many rows it has (X-ClickHouse-Summary): is a proxy in between?");
    return false;
  }
  answer->code = code_of(body);
  answer->outcome = bt_clickhouse_is_too_much(answer->code) ? BT_REMOTE_TOO_MUCH : BT_REMOTE_FAILED;
  bt_remote_quote_failure(answer, "ClickHouse", body); /* no password is ever in a query */
  return may_pass(answer->response.status, answer->code);
}

bt_status bt_clickhouse_ask(bt_clickhouse *clickhouse, const bt_clickhouse_question *question,
                            const bt_clickhouse_found *found, bt_remote_answer *answer, bt_error *error) {
  bt_buffer path = {0}, body = {0};
  *answer = (bt_remote_answer){.outcome = BT_REMOTE_FAILED};
  write_path(clickhouse, question, found, &path);
  if (question->ids) write_ids(question, &body);
  bt_remote_question asked = {.method = "POST",
                              .path = path.ptr,
                              .body = bt_buffer_str(&body),
                              .content_type =
                                  question->ids ? "Content-Type: multipart/form-data; boundary=" BOUNDARY : NULL,
                              .kept_header = "X-ClickHouse-Summary",
                              .kind = question->kind,
                              .cancel = question->cancel,
                              .priority = question->priority,
                              .account = question->account,
                              .timeout_ms = question->timeout_ms,
                              .judge = judge_answer};
  bt_status status =
      path.failed || body.failed ? bt_error_no_memory(error) : bt_remote_ask(&clickhouse->store, &asked, answer, error);
  bt_buffer_dispose(&path);
  bt_buffer_dispose(&body);
  return status;
}

void bt_clickhouse_take_rows(bt_remote_answer *answer, bt_clickhouse_row take, void *context) {
  bt_str body = bt_buffer_str(&answer->response.body);
  bt_row_reader reader = {.at = body.ptr, .end = body.ptr + body.len};
  uint64_t rows = 0;
  bool is_right = true;
  while (is_right && bt_rows_are_left(&reader)) {
    is_right = take(context, &reader) && !reader.failed;
    rows += is_right;
  }
  if (is_right && rows == answer->row_count) return;
  answer->outcome = BT_REMOTE_FAILED;
  if (is_right)
    snprintf(answer->reason, sizeof answer->reason,
             "the answer has %" PRIu64 " rows, and the server says that it sent %" PRIu64, rows, answer->row_count);
  else if (!answer->reason[0])
    snprintf(answer->reason, sizeof answer->reason, "row %" PRIu64 " of the answer cannot be read", rows + 1);
}

uint64_t bt_clickhouse_summary(const bt_remote_answer *answer, const char *name) {
  char start[40];
  snprintf(start, sizeof start, "\"%s\":\"", name);
  const char *at = strstr(answer->response.kept_header, start);
  return at ? strtoull(at + strlen(start), NULL, 10) : 0;
}

bt_status bt_clickhouse_ask_rows(bt_clickhouse *clickhouse, const bt_clickhouse_question *question,
                                 const bt_clickhouse_found *found, bt_clickhouse_row take, void *context, int *code,
                                 bt_error *error) {
  bt_remote_answer answer = {0};
  bt_status status = bt_clickhouse_ask(clickhouse, question, found, &answer, error);
  if (code) *code = answer.code;
  if (status == BT_OK && answer.outcome == BT_REMOTE_ANSWERED) bt_clickhouse_take_rows(&answer, take, context);
  if (status == BT_OK && answer.outcome != BT_REMOTE_ANSWERED)
    status = bt_error_set(error, answer.code ? BT_REFUSED : BT_UNAVAILABLE, "%s", answer.reason);
  bt_remote_answer_dispose(&answer);
  return status;
}
