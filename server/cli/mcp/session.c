/* Reading, answering and the queue between. See session.h. */
#include "server/cli/mcp/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/cli/cli.h"
#include "server/json/json_memory.h"
#include "server/mcp/dialogue.h"
#include "server/mcp/era.h"

enum { MAX_QUEUED = 64 };
static const int64_t ENDING_NS = INT64_C(10) * 1000000000; /* for what was asked before the input ended */

typedef struct session {
  const bt_mcp_options *options;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  json_t *queue[MAX_QUEUED]; /* requests that wait; behind the mutex, as what follows */
  size_t queued;
  json_t *running_id; /* NULL: nothing runs */
  bool ends, is_broken;
  bool is_idle;        /* the calls' thread has gone */
  size_t given_up;     /* calls that were not finished after the input had ended */
  bt_cancel cancel;    /* the call that runs */
  bool is_initialized; /* the reader's own, as what follows */
  bool takes_batches;
} session;

/* ---- answers ---- */

/* Takes the message. */
static void send_message(session *s, json_t *message) {
  char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
  pthread_mutex_lock(&s->mutex);
  if (!text || !bt_cli_write_all(s->options->out, bt_str_from(text)) ||
      !bt_cli_write_all(s->options->out, BT_STR("\n")))
    s->is_broken = true;
  pthread_mutex_unlock(&s->mutex);
  free(text);
  json_decref(message);
}

static void send_error(session *s, json_t *id, int code, const char *text) {
  send_message(s, bt_mcp_error(id, code, text));
}

/* ---- the thread of calls ---- */

typedef struct telling {
  session *session;
  json_t *token; /* NULL: nobody asked for progress */
} telling;

static void send_progress(void *context, double done, const char *say) {
  telling *t = context;
  if (t->token) send_message(t->session, bt_mcp_progress(t->token, done, say));
}

static void answer_call(session *s, json_t *request) {
  bt_mcp_message message;
  json_t *refusal = NULL;
  if (bt_mcp_message_read(request, &message, &refusal) != BT_MCP_CALL) return; /* which the reader has seen to */
  telling t = {s, bt_mcp_progress_token(&message)};
  bt_mcp_run run = {.ask = s->options->ask,
                    .context = s->options->context,
                    .allows_writes = s->options->allows_writes,
                    .how_to_write = "start betrace mcp with --allow-writes",
                    .cancel = &s->cancel,
                    .progress = send_progress,
                    .progress_context = &t};
  json_t *answer = bt_mcp_answer_call(&run, &message, s->options->version);
  if (bt_is_cancelled(&s->cancel)) /* who has cancelled a call expects no answer */
    json_decref(answer);
  else
    send_message(s, answer);
}

/* NULL: there are no more. */
static json_t *next_call(session *s) {
  json_t *request = NULL;
  pthread_mutex_lock(&s->mutex);
  s->running_id = NULL;
  while (!s->queued && !s->ends) pthread_cond_wait(&s->changed, &s->mutex);
  if (s->queued) {
    request = s->queue[0];
    memmove(s->queue, s->queue + 1, --s->queued * sizeof *s->queue);
    s->running_id = json_object_get(request, "id");
    atomic_store(&s->cancel.requested, false);
  }
  pthread_mutex_unlock(&s->mutex);
  return request;
}

static void *run_calls(void *context) {
  session *s = context;
  for (json_t *request; (request = next_call(s));) {
    answer_call(s, request);
    pthread_mutex_lock(&s->mutex);
    s->running_id = NULL;
    json_decref(request); /* counts of references are not atomic everywhere: only behind the mutex */
    pthread_mutex_unlock(&s->mutex);
  }
  pthread_mutex_lock(&s->mutex);
  s->is_idle = true;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

/* Who closes the input wants the program to end soon; who wrote all messages at once still wants the answers. */
static void finish_calls(session *s) {
  int64_t until_ns = bt_clock_monotonic_ns() + ENDING_NS;
  pthread_mutex_lock(&s->mutex);
  s->ends = true;
  pthread_cond_signal(&s->changed);
  while (!s->is_idle && bt_condition_wait(&s->changed, &s->mutex, until_ns)) continue;
  if (!s->is_idle) {
    s->given_up = s->queued + (s->running_id != NULL);
    while (s->queued) json_decref(s->queue[--s->queued]);
    atomic_store(&s->cancel.requested, true);
  }
  pthread_mutex_unlock(&s->mutex);
}

/* ---- the reader ---- */

static void cancel_call(session *s, json_t *params) {
  json_t *id = json_object_get(params, "requestId");
  pthread_mutex_lock(&s->mutex);
  if (id && s->running_id && json_equal(id, s->running_id)) atomic_store(&s->cancel.requested, true);
  for (size_t i = 0; id && i < s->queued; i++) {
    if (!json_equal(id, json_object_get(s->queue[i], "id"))) continue;
    json_decref(s->queue[i]);
    memmove(s->queue + i, s->queue + i + 1, (--s->queued - i) * sizeof *s->queue);
    break;
  }
  pthread_mutex_unlock(&s->mutex);
}

/* From here on the request is the other thread's. False: there are too many. */
static bool queue_call(session *s, json_t *request) {
  pthread_mutex_lock(&s->mutex);
  bool has_room = s->queued < MAX_QUEUED;
  if (has_room) s->queue[s->queued++] = json_incref(request);
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  return has_room;
}

static void take_request(session *s, json_t *request, const bt_mcp_message *message, bt_mcp_kind kind) {
  bool begins = strcmp(message->method, "initialize") == 0;
  bool is_early = !begins && !s->is_initialized && !message->is_modern;
  if (is_early && strcmp(message->method, "ping") != 0)
    send_error(s, message->id, BT_MCP_INVALID_REQUEST, "The first request has to be initialize.");
  else if (kind == BT_MCP_AT_ONCE)
    send_message(s, bt_mcp_answer_at_once(message, s->options->allows_writes, s->options->version));
  else if (!queue_call(s, request))
    send_error(s, message->id, BT_MCP_INTERNAL, "64 calls wait already; ask again when some are answered.");
  s->is_initialized = s->is_initialized || begins;
  const char *asked = begins ? json_string_value(json_object_get(message->params, "protocolVersion")) : NULL;
  if (begins) s->takes_batches = bt_mcp_takes_batches(bt_str_from(bt_mcp_legacy_version(asked)));
}

static void take_message(session *s, json_t *whole) {
  bt_mcp_message message;
  json_t *refusal = NULL;
  bt_mcp_kind kind = bt_mcp_message_read(whole, &message, &refusal);
  if (kind == BT_MCP_WRONG)
    send_message(s, refusal);
  else if (kind != BT_MCP_NOTICE)
    take_request(s, whole, &message, kind);
  else if (message.method && strcmp(message.method, "notifications/cancelled") == 0)
    cancel_call(s, message.params);
}

/* A batch is answered message by message, each on a line of its own. */
static void take_messages(session *s, json_t *whole) {
  size_t index;
  json_t *one;
  if (!s->takes_batches || !json_array_size(whole)) {
    take_message(s, whole);
    return;
  }
  json_array_foreach(whole, index, one) take_message(s, one);
}

static void take_line(session *s, bt_str line) {
  json_error_t problem;
  bt_json_memory_begin();
  while (line.len && strchr(" \t\r", line.ptr[line.len - 1])) line.len--;
  if (!line.len) return;
  json_t *message = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
  if (!message) {
    send_error(s, NULL, BT_MCP_PARSE_ERROR, "The line is no JSON.");
    return;
  }
  take_messages(s, message);
  pthread_mutex_lock(&s->mutex);
  json_decref(message);
  pthread_mutex_unlock(&s->mutex);
}

/* A line that is too long is read to its end, and refused once. */
static void take_bytes(session *s, bt_str bytes, bt_buffer *line, bool *is_skipping) {
  while (bytes.len) {
    const char *end = memchr(bytes.ptr, '\n', bytes.len);
    size_t length = end ? (size_t)(end - bytes.ptr) : bytes.len;
    bool fits = line->len + length <= BT_MCP_MESSAGE_BYTES;
    if (!*is_skipping && fits) bt_buffer_append(line, (bt_str){bytes.ptr, length});
    if (!*is_skipping && (!fits || line->failed)) {
      send_error(s, NULL, BT_MCP_INVALID_REQUEST, "A message may have 4 MiB.");
      *is_skipping = true;
    }
    if (end && !*is_skipping) take_line(s, bt_buffer_str(line));
    if (end || *is_skipping) bt_buffer_clear(line);
    if (end) *is_skipping = false;
    bytes = (bt_str){bytes.ptr + length + (end != NULL), bytes.len - length - (end != NULL)};
  }
}

static bool is_broken(session *s) {
  pthread_mutex_lock(&s->mutex);
  bool broken = s->is_broken;
  pthread_mutex_unlock(&s->mutex);
  return broken;
}

static void read_messages(session *s) {
  char chunk[65536];
  bt_buffer line = {0};
  bool is_skipping = false;
  ssize_t got;
  while (!is_broken(s) && ((got = read(s->options->in, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EINTR)))
    if (got > 0) take_bytes(s, (bt_str){chunk, (size_t)got}, &line, &is_skipping);
  if (line.len && !is_skipping) take_line(s, bt_buffer_str(&line));
  bt_buffer_dispose(&line);
}

bt_status bt_mcp_session_run(const bt_mcp_options *options, bt_error *error) {
  session s = {.options = options};
  pthread_t calls;
  pthread_mutex_init(&s.mutex, NULL);
  bt_condition_init(&s.changed);
  bt_status status = pthread_create(&calls, NULL, run_calls, &s)
                         ? bt_error_set(error, BT_LIMIT, "the system refused to start a thread")
                         : BT_OK;
  if (!status) {
    read_messages(&s);
    finish_calls(&s);
    pthread_join(calls, NULL);
    if (s.given_up)
      status = bt_error_set(error, BT_CANCELLED,
                            "the input ended, and 10 s later %zu call%s not answered: given up, and nothing is known "
                            "of what was asked",
                            s.given_up, s.given_up == 1 ? " was" : "s were");
    if (s.is_broken) status = bt_error_set(error, BT_IO, "the output cannot be written");
  }
  pthread_cond_destroy(&s.changed);
  pthread_mutex_destroy(&s.mutex);
  return status;
}
