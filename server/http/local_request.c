/* Requests that are waited for. See local_request.h. */
#include "server/http/local_request.h"

#include <pthread.h>

#include "server/base/condition.h"
#include "server/json/refusal.h"

typedef struct waiting {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bt_call *call;
  bool is_done;
} waiting;

static void take_call(void *context, bt_call *call) {
  waiting *w = context;
  pthread_mutex_lock(&w->mutex);
  w->call = call;
  w->is_done = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->mutex);
}

static bt_status read_answer(const bt_call *call, json_t **out, bt_error *error) {
  if (!call) return bt_error_no_memory(error);
  bt_str text = bt_buffer_str(&call->answer);
  *out = text.len ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
  if (call->status >= 200 && call->status < 300) return BT_OK;
  bt_status status = bt_service_refusal(call->status, *out, error);
  json_decref(*out);
  *out = NULL;
  return status;
}

bt_status bt_http_server_ask(bt_http_server *server, const bt_local_request *request, json_t **out, bt_error *error) {
  waiting w = {0};
  *out = NULL;
  pthread_mutex_init(&w.mutex, NULL);
  bt_condition_init(&w.changed);
  bt_http_server_run(server, request, take_call, &w);
  pthread_mutex_lock(&w.mutex);
  while (!w.is_done) pthread_cond_wait(&w.changed, &w.mutex);
  pthread_mutex_unlock(&w.mutex);
  bt_status status = read_answer(w.call, out, error);
  bt_call_free(w.call);
  pthread_cond_destroy(&w.changed);
  pthread_mutex_destroy(&w.mutex);
  return status;
}
