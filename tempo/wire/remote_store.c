/* Asking, several times where it helps. See remote_store.h. */
#include "tempo/wire/remote_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/pause.h"
#include "tempo/wire/secret_header.h"

enum { ATTEMPTS = 3, MOST_SENTENCE = 150, TIMEOUT_MS = 300000, PAUSE_MS = 250 };

bt_status bt_remote_new(size_t size, const bt_source_operations *operations, bt_http_client *client,
                        const bt_remote_options *options, bt_source **out, bt_error *error) {
  bt_remote *store = calloc(1, size);
  *out = NULL;
  if (!store) return bt_error_no_memory(error);
  *store = (bt_remote){.head = {.operations = operations, .name = options->name},
                       .client = client,
                       .timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS,
                       .pause_ms = options->pause_ms ? options->pause_ms : PAUSE_MS};
  if (options->ca_file) store->ca_file = strdup(options->ca_file);
  bool has_file = store->ca_file || !options->ca_file;
  if (has_file && pthread_mutex_init(&store->mutex, NULL) == 0) return *out = &store->head, BT_OK;
  free(store->ca_file);
  free(store);
  return bt_error_no_memory(error);
}

void bt_remote_dispose(bt_remote *store) {
  for (size_t i = 0; i < sizeof store->headers / sizeof *store->headers; i++) bt_header_free(store->headers[i]);
  free(store->base_url);
  free(store->ca_file);
  pthread_mutex_destroy(&store->mutex);
}

/* ---- the answer ---- */

void bt_remote_fail(bt_remote_answer *answer, const char *reason) {
  answer->outcome = BT_REMOTE_FAILED;
  snprintf(answer->reason, sizeof answer->reason, "%.190s", reason);
}

void bt_remote_answer_follow(bt_remote_answer *answer, const bt_remote_answer *other) {
  answer->outcome = other->outcome;
  memcpy(answer->reason, other->reason, sizeof answer->reason);
}

void bt_remote_quote_failure(bt_remote_answer *answer, const char *who, bt_str sentence) {
  size_t length = sentence.len < MOST_SENTENCE ? sentence.len : MOST_SENTENCE;
  while (length && length < sentence.len && ((unsigned char)sentence.ptr[length] & 0xC0) == 0x80) length--;
  snprintf(answer->reason, sizeof answer->reason, "%s answered %d%s%.*s", who, answer->response.status,
           length ? ": " : "", (int)length, length ? sentence.ptr : "");
  for (char *at = answer->reason; *at; at++)
    if ((unsigned char)*at < ' ') *at = ' ';
}

void bt_remote_answer_dispose(bt_remote_answer *answer) {
  bt_http_response_dispose(&answer->response);
  *answer = (bt_remote_answer){0};
}

/* ---- the question ---- */

static bt_status send_once(const bt_remote *store, const bt_remote_question *question, const char *url,
                           bt_remote_answer *answer, bt_error *error) {
  const char *headers[3];
  size_t count = 0;
  if (question->content_type) headers[count++] = question->content_type;
  for (size_t i = 0; i < sizeof store->headers / sizeof *store->headers; i++)
    if (store->headers[i]) headers[count++] = store->headers[i];
  bt_http_request request = {.method = question->method,
                             .url = url,
                             .body = question->body,
                             .headers = headers,
                             .header_count = count,
                             .ca_file = store->ca_file,
                             .kept_header = question->kept_header,
                             .timeout_ms = question->timeout_ms ? question->timeout_ms : store->timeout_ms,
                             .total_ms = question->timeout_ms,
                             .kind = question->kind,
                             .priority = question->priority,
                             .party = question->cancel,
                             .cancel = question->cancel};
  bt_http_response_dispose(&answer->response);
  *answer = (bt_remote_answer){.outcome = BT_REMOTE_FAILED};
  if (question->account) question->account->requests++;
  return bt_http_send(store->client, &request, &answer->response, error);
}

/* A transfer that did not come to its end. True: it is worth another attempt. */
static bool judge_transfer(const bt_remote *store, bt_remote_answer *answer, bt_status status, const bt_error *why) {
  bool took_long = answer->response.took_ms >= store->timeout_ms * 3 / 4;
  bt_remote_fail(answer, why->message);
  if (status == BT_LIMIT || took_long) answer->outcome = BT_REMOTE_TOO_MUCH;
  return status == BT_UNAVAILABLE && !took_long;
}

static bt_status ask_url(const bt_remote *store, const bt_remote_question *question, const char *url,
                         bt_remote_answer *answer, bt_error *error) {
  for (int attempt = 1;; attempt++) {
    bt_error why = {0};
    bt_status status = send_once(store, question, url, answer, &why);
    if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
      if (error) *error = why;
      return status;
    }
    if (question->account) question->account->bytes_received += answer->response.body.len;
    bool again = status == BT_OK ? question->judge(answer) : judge_transfer(store, answer, status, &why);
    if (!again || attempt == ATTEMPTS || question->timeout_ms) return BT_OK;
    if (!bt_pause_ms(question->cancel, store->pause_ms << (attempt - 1)))
      return bt_error_set(error, BT_CANCELLED, "cancelled");
  }
}

bt_status bt_remote_ask(const bt_remote *store, const bt_remote_question *question, bt_remote_answer *answer,
                        bt_error *error) {
  bt_buffer url = {0};
  *answer = (bt_remote_answer){.outcome = BT_REMOTE_FAILED};
  bt_buffer_printf(&url, "%s%s", store->base_url, question->path ? question->path : "/");
  bt_status status = url.failed ? bt_error_no_memory(error) : ask_url(store, question, url.ptr, answer, error);
  bt_buffer_dispose(&url);
  return status;
}
