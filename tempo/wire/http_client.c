/* The HTTP client thread. See http_client.h. Callers put calls into a queue under the mutex and wait on the condition;
 * the thread moves them from the queue to the curl multi as the budget allows, and marks them done. Exports have a lane
 * of their own: the budget is Tempo's, and a receiver that does not answer must not take the places of those who read.
 * A call belongs to the caller until it is started, to the thread until it is marked done, and to the caller again
 * after that. Only the thread touches curl. */
#include "tempo/wire/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/budget.h"
#include "tempo/wire/http_queue.h"
#include "tempo/wire/http_transfer.h"
#include "tempo/wire/wait_guard.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/usual_wait.h"
#include "tempo/wire/wall_clock.h"

enum {
  BUSY_POLL_MS = 100,   /* how late a cancel is noticed */
  IDLE_POLL_MS = 10000, /* wake-ups come through curl_multi_wakeup */
  USER_AGENT_MAX = 128,
  EXPORTS_AT_ONCE = 8,
  HELD_MS = 5000,
  MOST_HELD = 2 /* times what the budget allows: with what goes beside it */
};

/* What waits for the same places. */
typedef enum lane { LANE_READ, LANE_EXPORT, LANES } lane;

struct bt_http_call {
  bt_http_waiting waiting; /* first: the queue's part */
  bt_http_client *client;
  bt_http_request request;
  bt_http_response *response;
  bt_http_transfer transfer; /* set up while active */
  bt_http_call *next;        /* among the active */
  int64_t started_ms;        /* 0: not yet */
  int64_t took_ms;
  int64_t wall_ns; /* when it began; 0: not yet, or it is no span */
  bt_trace_context span;
  char traceparent[BT_TRACEPARENT_LINE];
  int64_t expires_ms; /* monotonic; 0: never */
  atomic_bool aborted;
  bool done; /* under the mutex */
  bt_status status;
  bt_error error;
};

struct bt_http_client {
  pthread_t thread;
  pthread_mutex_t mutex; /* queues, stopping, stats, done of each call */
  pthread_cond_t done;
  bt_http_queue queues[LANES];
  bool stopping;
  bt_http_stats stats;
  CURLM *multi;
  bt_http_call *active; /* of the thread alone, as all below */
  uint32_t active_count[LANES];
  bt_budget budget;
  int64_t held_ms;
  bt_usual_wait usual_wait; /* with the receiver of spans */
  char user_agent[USER_AGENT_MAX];
  void (*on_exchange)(void *context, const bt_http_exchange *exchange);
  void *exchange_context;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_ready;

static void init_curl(void) {
  curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static lane lane_of(const bt_http_call *call) {
  return call->request.kind == BT_HTTP_EXPORT ? LANE_EXPORT : LANE_READ;
}

/* Nobody waits for its answer any more. */
static bool is_unwanted(const bt_http_call *call) {
  return atomic_load(&call->aborted) || bt_is_cancelled(call->request.cancel);
}

/* Ends before its answer: the caller wants it no more, or its time is over. */
static bool is_over(const bt_http_call *call, int64_t now_ms) {
  return is_unwanted(call) || (call->expires_ms && now_ms >= call->expires_ms);
}

static bool is_waiting_over(const bt_http_waiting *waiting, int64_t now_ms) {
  return is_over((const bt_http_call *)waiting, now_ms);
}

const char *const bt_http_outcome_names[] = {"ok",          "client_error", "throttled", "server_error",
                                             "unreachable", "unusable",     "cancelled"};
const char *const bt_http_kind_names[] = {"other", "search", "read", "by_id", "export"};

static bt_http_outcome outcome_of(const bt_http_call *call, bt_status status) {
  int code = call->response->status;
  if (status == BT_CANCELLED) return BT_HTTP_CANCELLED;
  if (status == BT_UNAVAILABLE) return BT_HTTP_UNREACHABLE;
  if (status != BT_OK) return BT_HTTP_UNUSABLE;
  if (code == 429) return BT_HTTP_THROTTLED;
  return code >= 500 ? BT_HTTP_SERVER_ERROR : code >= 400 ? BT_HTTP_CLIENT_ERROR : BT_HTTP_OK;
}

/* The last that the thread does with a call. */
static void mark_done(bt_http_client *client, bt_http_call *call, bt_status status) {
  call->took_ms = call->started_ms ? bt_monotonic_ms() - call->started_ms : 0;
  pthread_mutex_lock(&client->mutex);
  client->stats.requests[call->request.kind][outcome_of(call, status)]++;
  client->stats.allowed = client->budget.allowed;
  call->status = status;
  call->done = true;
  pthread_cond_broadcast(&client->done);
  pthread_mutex_unlock(&client->mutex);
}

/* Why it ended before its answer. */
static bt_status explain_end(bt_http_call *call) {
  if (is_unwanted(call)) return bt_error_set(&call->error, BT_CANCELLED, "cancelled");
  return bt_error_set(&call->error, BT_UNAVAILABLE, "no complete answer within %lld ms, with the time in the queue",
                      (long long)call->request.total_ms);
}

/* Takes the call out of the multi and the active list. */
static void remove_active(bt_http_client *client, bt_http_call *call) {
  for (bt_http_call **place = &client->active; *place; place = &(*place)->next) {
    if (*place != call) continue;
    *place = call->next;
    client->active_count[lane_of(call)]--;
    break;
  }
  (void)curl_multi_remove_handle(client->multi, call->transfer.easy);
}

static void end_active(bt_http_client *client, bt_http_call *call, bt_status status) {
  if (call->started_ms) call->response->took_ms = bt_monotonic_ms() - call->started_ms;
  bt_http_transfer_dispose(&call->transfer);
  mark_done(client, call, status);
}

/* One that hangs ends before its timeout, where the same is sent again. */
static void limit_wait(const bt_http_client *client, bt_http_request *request) {
  if (request->wait != BT_HTTP_WAIT_USUAL) return;
  int64_t usual_ms = bt_usual_wait_ms(&client->usual_wait, request->body.len);
  if (!request->timeout_ms || usual_ms < request->timeout_ms) request->timeout_ms = usual_ms;
}

static void start_transfer(bt_http_client *client, bt_http_call *call) {
  limit_wait(client, &call->request);
  bt_status status =
      bt_http_transfer_init(&call->transfer, &call->request, client->user_agent, call->response, &call->error);
  if (status != BT_OK) {
    mark_done(client, call, status);
    return;
  }
  if (curl_easy_setopt(call->transfer.easy, CURLOPT_PRIVATE, call) != CURLE_OK ||
      curl_multi_add_handle(client->multi, call->transfer.easy) != CURLM_OK) {
    end_active(client, call, bt_error_no_memory(&call->error));
    return;
  }
  call->started_ms = bt_monotonic_ms();
  if (call->span.is_set) call->wall_ns = bt_clock_wall_ns();
  call->next = client->active;
  client->active = call;
  client->active_count[lane_of(call)]++;
}

/* One whose time is over, whatever the budget. */
static bt_http_call *take_over(bt_http_client *client, int64_t now_ms) {
  pthread_mutex_lock(&client->mutex);
  bt_http_waiting *taken = NULL;
  for (int i = 0; !taken && i < LANES; i++) taken = bt_http_queue_take_if(&client->queues[i], is_waiting_over, now_ms);
  pthread_mutex_unlock(&client->mutex);
  return (bt_http_call *)taken;
}

static bt_http_call *take_queued(bt_http_client *client, lane from, int64_t now_ms) {
  uint32_t places = from == LANE_EXPORT ? EXPORTS_AT_ONCE : client->budget.allowed;
  if (client->active_count[from] >= places) return NULL;
  pthread_mutex_lock(&client->mutex);
  bt_http_waiting *taken = bt_http_queue_take(&client->queues[from], now_ms);
  pthread_mutex_unlock(&client->mutex);
  return (bt_http_call *)taken;
}

/* ---- beside the budget ---- */

static bool has_under_way(const bt_http_client *client, uint64_t tenant) {
  for (const bt_http_call *call = client->active; call; call = call->next)
    if (lane_of(call) == LANE_READ && call->request.tenant == tenant) return true;
  return false;
}

static uint32_t count_since(const bt_http_client *client, int64_t since_ms) {
  uint32_t count = 0;
  for (const bt_http_call *call = client->active; call; call = call->next)
    count += lane_of(call) == LANE_READ && call->started_ms > since_ms;
  return count;
}

static bool is_first_of_tenant(const bt_http_waiting *waiting, int64_t now_ms) {
  const bt_http_call *call = (const bt_http_call *)waiting;
  return waiting->not_before_ms <= now_ms && !has_under_way(call->client, call->request.tenant);
}

/* What hangs for one tenant holds the budget for as long as its timeout: it does not count against a tenant that has
 * nothing under way. */
static bt_http_call *take_beside(bt_http_client *client, int64_t now_ms) {
  const bt_budget *budget = &client->budget;
  uint32_t most = MOST_HELD * (budget->allowed > budget->usual ? budget->allowed : budget->usual);
  if (client->active_count[LANE_READ] >= most) return NULL;
  if (count_since(client, now_ms - client->held_ms) >= client->budget.allowed) return NULL;
  pthread_mutex_lock(&client->mutex);
  bt_http_waiting *taken = bt_http_queue_take_if(&client->queues[LANE_READ], is_first_of_tenant, now_ms);
  pthread_mutex_unlock(&client->mutex);
  return (bt_http_call *)taken;
}

static void start_queued(bt_http_client *client) {
  int64_t now_ms = bt_monotonic_ms();
  for (bt_http_call *call = take_over(client, now_ms); call; call = take_over(client, now_ms))
    mark_done(client, call, explain_end(call));
  for (int i = 0; i < LANES; i++)
    for (bt_http_call *call = NULL; (call = take_queued(client, (lane)i, now_ms));) start_transfer(client, call);
  for (bt_http_call *call = NULL; (call = take_beside(client, now_ms));) start_transfer(client, call);
}

static void end_over(bt_http_client *client) {
  int64_t now_ms = bt_monotonic_ms();
  bt_http_call *next = NULL;
  for (bt_http_call *call = client->active; call; call = next) {
    next = call->next;
    if (!is_over(call, now_ms)) continue;
    remove_active(client, call);
    end_active(client, call, explain_end(call));
  }
}

/* A connection that is refused, or cut, says nothing about how long an answer takes. */
static void note_receiver(bt_http_client *client, const bt_http_call *call, bt_status status, int64_t now_ms) {
  int64_t took_ms = now_ms - call->started_ms;
  if (call->request.wait == BT_HTTP_WAIT) return;
  if (status == BT_OK)
    bt_usual_wait_note_answer(&client->usual_wait, took_ms);
  else if (call->request.timeout_ms && took_ms >= call->request.timeout_ms)
    bt_usual_wait_note_silence(&client->usual_wait, call->started_ms, now_ms);
}

/* What a complete transfer teaches: the budget, and how long its party is to wait. */
static void note_answer(bt_http_client *client, const bt_http_call *call, bt_status status) {
  int64_t now_ms = bt_monotonic_ms();
  /* An answer that is too large, for us or for Tempo, says nothing about how busy Tempo is. */
  if (status != BT_OK && status != BT_UNAVAILABLE) return;
  note_receiver(client, call, status, now_ms);
  int code = status == BT_OK ? call->response->status : 0;
  bool is_too_large = code && call->request.is_too_large && call->request.is_too_large(call->response);
  if (lane_of(call) == LANE_READ && !is_too_large)
    bt_budget_note(&client->budget, call->request.kind, code, (double)(now_ms - call->started_ms), now_ms,
                   client->active_count[LANE_READ] >= client->budget.allowed);
  int64_t hold_ms = call->response->retry_after_ms;
  if ((code != 429 && code != 503) || !hold_ms || !call->request.party) return;
  pthread_mutex_lock(&client->mutex);
  bt_http_queue_hold(&client->queues[lane_of(call)], call->request.party,
                     now_ms + (hold_ms < BT_HTTP_LONGEST_HOLD_MS ? hold_ms : BT_HTTP_LONGEST_HOLD_MS));
  pthread_mutex_unlock(&client->mutex);
}

static void end_complete(bt_http_client *client) {
  int left = 0;
  for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result; /* the message dies with the removal of the handle */
    bt_http_call *call = NULL;
    if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call) != CURLE_OK || !call) continue;
    bt_status status = bt_http_transfer_result(&call->transfer, code, &call->error);
    note_answer(client, call, status);
    remove_active(client, call);
    end_active(client, call, status);
  }
}

/* curl's multi itself failed (out of memory): nothing that is under way can be trusted to end. */
static void fail_active(bt_http_client *client, CURLMcode code) {
  while (client->active) {
    bt_http_call *call = client->active;
    remove_active(client, call);
    end_active(client, call,
               bt_error_set(&call->error, BT_UNAVAILABLE, "the HTTP client failed: %s", curl_multi_strerror(code)));
  }
}

/* True: go on; *has_queued: calls wait for the budget, so cancels have to be looked for. */
static bool look_at_queue(bt_http_client *client, bool *has_queued) {
  pthread_mutex_lock(&client->mutex);
  bool goes_on = !client->stopping;
  *has_queued = false;
  for (int i = 0; i < LANES; i++) *has_queued = *has_queued || !bt_http_queue_is_empty(&client->queues[i]);
  pthread_mutex_unlock(&client->mutex);
  return goes_on;
}

static void *run_client(void *context) {
  bt_http_client *client = context;
  bool has_queued = false;
  bt_thread_forbid_waits();
  while (look_at_queue(client, &has_queued)) {
    start_queued(client);
    int running = 0;
    CURLMcode code = curl_multi_perform(client->multi, &running);
    end_complete(client);
    end_over(client);
    start_queued(client); /* in the places that became free: the poll below does not wake for them */
    if (code == CURLM_OK) {
      int wait_ms = client->active || has_queued ? BUSY_POLL_MS : IDLE_POLL_MS;
      code = curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL);
    }
    if (code != CURLM_OK) fail_active(client, code);
  }
  return NULL;
}

static bool init_sync(bt_http_client *client) {
  if (pthread_mutex_init(&client->mutex, NULL)) return false;
  if (!pthread_cond_init(&client->done, NULL)) return true;
  pthread_mutex_destroy(&client->mutex);
  return false;
}

static void set_options(bt_http_client *client, const bt_http_options *options) {
  bt_budget_init(&client->budget, options ? options->concurrency : 0, options ? options->concurrency_max : 0);
  client->stats.allowed = client->budget.allowed;
  client->held_ms = options && options->held_ms ? options->held_ms : HELD_MS;
  const char *agent = options && options->user_agent ? options->user_agent : "betrace/" BETRACE_VERSION;
  size_t length = strnlen(agent, USER_AGENT_MAX - 1);
  memcpy(client->user_agent, agent, length);
  client->user_agent[length] = '\0';
  client->on_exchange = options ? options->on_exchange : NULL;
  client->exchange_context = options ? options->exchange_context : NULL;
}

bt_status bt_http_client_new(const bt_http_options *options, bt_http_client **out, bt_error *error) {
  *out = NULL;
  if (pthread_once(&curl_once, init_curl) || !curl_ready)
    return bt_error_set(error, BT_UNAVAILABLE, "libcurl could not be initialised");
  bt_http_client *client = calloc(1, sizeof *client);
  if (!client) return bt_error_no_memory(error);
  set_options(client, options);
  client->multi = curl_multi_init();
  if (!client->multi) goto no_multi;
  if (!init_sync(client)) goto no_sync;
  if (pthread_create(&client->thread, NULL, run_client, client)) goto no_thread;
  *out = client;
  return BT_OK;
no_thread:
  pthread_cond_destroy(&client->done);
  pthread_mutex_destroy(&client->mutex);
no_sync:
  curl_multi_cleanup(client->multi);
no_multi:
  free(client);
  return bt_error_no_memory(error);
}

void bt_http_client_free(bt_http_client *client) {
  if (!client) return;
  pthread_mutex_lock(&client->mutex);
  client->stopping = true;
  pthread_mutex_unlock(&client->mutex);
  (void)curl_multi_wakeup(client->multi);
  pthread_join(client->thread, NULL);
  curl_multi_cleanup(client->multi);
  pthread_cond_destroy(&client->done);
  pthread_mutex_destroy(&client->mutex);
  free(client);
}

static void enqueue_call(bt_http_client *client, bt_http_call *call) {
  const bt_http_request *request = &call->request;
  call->waiting = (bt_http_waiting){.priority = request->priority, .party = request->party};
  if (request->total_ms > 0) call->expires_ms = bt_monotonic_ms() + request->total_ms;
  pthread_mutex_lock(&client->mutex);
  bt_http_queue_add(&client->queues[lane_of(call)], &call->waiting);
  pthread_mutex_unlock(&client->mutex);
  (void)curl_multi_wakeup(client->multi);
}

/* What we send is no question: spans about sending spans would never end. */
static void begin_span(bt_http_call *call) {
  const bt_cancel *cancel = call->request.cancel;
  if (!cancel || !cancel->span.is_set || call->request.kind == BT_HTTP_EXPORT) return;
  if (!bt_trace_context_begin(&cancel->span, &call->span)) return;
  bt_trace_context_line(&call->span, call->traceparent);
  call->request.traceparent = call->traceparent;
}

bt_status bt_http_start(bt_http_client *client, const bt_http_request *request, bt_http_response *response,
                        bt_http_call **out, bt_error *error) {
  *out = NULL;
  *response = (bt_http_response){0};
  bt_http_call *call = calloc(1, sizeof *call);
  if (!call) return bt_error_no_memory(error);
  call->client = client;
  call->request = *request;
  call->response = response;
  atomic_init(&call->aborted, false);
  begin_span(call);
  enqueue_call(client, call);
  *out = call;
  return BT_OK;
}

void bt_http_abort(bt_http_call *call) {
  atomic_store(&call->aborted, true);
  (void)curl_multi_wakeup(call->client->multi);
}

static void tell_exchange(const bt_http_client *client, const bt_http_call *call) {
  const bt_http_exchange exchange = {&call->request, call->response, call->status,
                                     call->took_ms,  &call->error,   call->span.is_set ? &call->span : NULL,
                                     call->wall_ns};
  if (client->on_exchange) client->on_exchange(client->exchange_context, &exchange);
}

bt_status bt_http_finish(bt_http_call *call, bt_error *error) {
  bt_http_client *client = call->client;
  bt_thread_assert_may_wait();
  pthread_mutex_lock(&client->mutex);
  while (!call->done) pthread_cond_wait(&client->done, &client->mutex);
  pthread_mutex_unlock(&client->mutex);
  bt_status status = call->status;
  if (status != BT_OK && error) *error = call->error;
  tell_exchange(client, call);
  free(call);
  return status;
}

bt_status bt_http_send(bt_http_client *client, const bt_http_request *request, bt_http_response *response,
                       bt_error *error) {
  bt_http_call *call = NULL;
  bt_status status = bt_http_start(client, request, response, &call, error);
  return status == BT_OK ? bt_http_finish(call, error) : status;
}

void bt_http_client_stats(bt_http_client *client, bt_http_stats *out) {
  pthread_mutex_lock(&client->mutex);
  *out = client->stats;
  pthread_mutex_unlock(&client->mutex);
}

uint32_t bt_http_client_allowed(bt_http_client *client) {
  pthread_mutex_lock(&client->mutex);
  uint32_t allowed = client->stats.allowed;
  pthread_mutex_unlock(&client->mutex);
  return allowed;
}

void bt_http_response_dispose(bt_http_response *response) {
  bt_buffer_dispose(&response->body);
}
