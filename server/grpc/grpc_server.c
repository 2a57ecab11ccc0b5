/* Calls on one completion queue. See grpc_server.h. A place waits for a call, reads its message, puts it into a lane,
 * where its answer is started, and is free again when both the answer is out and the call is over. Events are handled
 * by one thread; between its message and its answer a place is with a worker, or its call waits to be woken. */
#include "server/grpc/grpc_server.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/grpc/methods.h"
#include "tempo/wire/wait_guard.h"

enum {
  PLACES = 64,
  STREAMS_MAX = 100, /* of one connection */
  MESSAGE_MAX_BYTES = 10 << 20,
  METADATA_MAX_BYTES = 16 << 10,
  FILE_MAX_BYTES = 1 << 20,
  SILENT_MAX_S = 2, /* so long a call may hold one of the last places before its message comes */
  NANOS = 1000000000
};

typedef struct place place;

/* What a tag of the queue points to. */
typedef enum event_kind { CALL_CAME, MESSAGE_CAME, CALL_ENDED, ANSWER_SENT, SERVER_ENDED } event_kind;
typedef struct event {
  event_kind kind;
  place *place; /* NULL: SERVER_ENDED */
} event;

struct place {
  bt_grpc_server *server;
  event came, message_came, ended, sent;
  grpc_call *call;
  grpc_call_details details;
  grpc_metadata_array metadata;
  grpc_byte_buffer *message, *answer_message;
  grpc_slice answer_details;
  grpc_metadata trailing[1];
  int was_cancelled; /* the library's, valid when the call has ended */
  bt_task task;      /* in a lane */
  bt_work_scope scope;
  bool has_scope;
  unsigned under_way;      /* events that are still to come: of the call's end and of its answer */
  atomic_bool is_answered; /* orders what a worker did before what the queue's thread does, as the library's queue does
                            * too; but ThreadSanitizer does not look into the library */
  bool is_silent;          /* its message has not come */
  gpr_timespec silent_until;
};

struct bt_grpc_server {
  bt_grpc_server_options options; /* its addresses and files are read at the start alone */
  grpc_server *server;
  grpc_completion_queue *queue;
  event server_ended;
  uint16_t port;
  place places[PLACES];
  size_t waiting, busy;  /* places: for a call; with one. The thread's own */
  atomic_uint under_way; /* the last, for others */
  bool has_ended;        /* the library takes no more calls */
  pthread_t thread;
  pthread_mutex_t mutex; /* guards: */
  bool stopping;
};

static bt_str str_of(const grpc_slice *slice) {
  return (bt_str){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

/* ---- a place ---- */

static void wait_for_call(place *p) {
  bt_grpc_server *server = p->server;
  grpc_call_details_init(&p->details);
  grpc_metadata_array_init(&p->metadata);
  grpc_call_error failed = grpc_server_request_call(server->server, &p->call, &p->details, &p->metadata, server->queue,
                                                    server->queue, &p->came);
  if (failed == GRPC_CALL_OK)
    server->waiting++;
  else
    grpc_call_details_destroy(&p->details), grpc_metadata_array_destroy(&p->metadata);
}

static void clear_place(place *p) {
  (void)atomic_exchange(&p->is_answered, false);
  if (p->call) grpc_call_unref(p->call);
  grpc_call_details_destroy(&p->details);
  grpc_metadata_array_destroy(&p->metadata);
  if (p->message) grpc_byte_buffer_destroy(p->message);
  if (p->answer_message) grpc_byte_buffer_destroy(p->answer_message);
  grpc_slice_unref(p->answer_details);
  grpc_slice_unref(p->trailing[0].value);
  if (p->has_scope) bt_work_scope_end(&p->scope);
  p->has_scope = false;
  p->call = NULL;
  p->message = p->answer_message = NULL;
  p->answer_details = grpc_empty_slice();
  p->trailing[0].value = grpc_empty_slice();
}

static int64_t remaining_ns(const place *p) {
  gpr_timespec deadline = p->details.deadline;
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return INT64_MAX;
  gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return left.tv_sec > INT64_MAX / NANOS - 1 ? INT64_MAX : left.tv_sec * NANOS + left.tv_nsec;
}

static void begin_scope(place *p) {
  int64_t left_ns = remaining_ns(p), now_ns = bt_clock_monotonic_ns();
  bool is_endless = left_ns > INT64_MAX - now_ns;
  bt_work_scope_begin(&p->scope, &p->server->options.work->root, is_endless ? BT_SCOPE_NO_DEADLINE : now_ns + left_ns);
  p->has_scope = true;
}

/* The end of a call is asked for beside its message, so that a caller who is gone is known while the call runs. */
static void read_message(place *p) {
  grpc_op ended = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}, message = {.op = GRPC_OP_RECV_MESSAGE};
  ended.data.recv_close_on_server.cancelled = &p->was_cancelled;
  message.data.recv_message.recv_message = &p->message;
  begin_scope(p);
  p->under_way = 2;
  p->is_silent = true;
  p->silent_until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(SILENT_MAX_S, GPR_TIMESPAN));
  grpc_call_start_batch(p->call, &ended, 1, &p->ended, NULL);
  grpc_call_start_batch(p->call, &message, 1, &p->message_came, NULL);
}

static void send_answer(place *p, const bt_grpc_answer *answer) {
  grpc_op ops[3] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
  bt_str text = bt_buffer_str(&answer->details), problem = bt_buffer_str(&answer->problem);
  size_t count = 2;
  p->answer_details = grpc_slice_from_copied_buffer(text.ptr ? text.ptr : "", text.len);
  ops[1].data.send_status_from_server.status = (grpc_status_code)answer->code;
  ops[1].data.send_status_from_server.status_details = &p->answer_details;
  if (problem.len) {
    p->trailing[0] = (grpc_metadata){.key = grpc_slice_from_static_string("betrace-problem-bin"),
                                     .value = grpc_slice_from_copied_buffer(problem.ptr, problem.len)};
    ops[1].data.send_status_from_server.trailing_metadata_count = 1;
    ops[1].data.send_status_from_server.trailing_metadata = p->trailing;
  }
  if (answer->code == 0) {
    bt_str message = bt_buffer_str(&answer->message);
    grpc_slice slice = grpc_slice_from_copied_buffer(message.ptr ? message.ptr : "", message.len);
    p->answer_message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    ops[count++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = p->answer_message};
  }
  grpc_call *call = p->call;
  atomic_store(&p->is_answered, true);
  grpc_call_start_batch(call, ops, count, &p->sent, NULL);
}

static void tell_refused(const place *p) {
  const bt_grpc_server_options *options = &p->server->options;
  if (options->observe_refused) options->observe_refused(options->context, str_of(&p->details.method));
}

/* ---- on a worker ---- */

static void take_header(const grpc_metadata *item, const char *name, bt_str *out, bt_grpc_request *request) {
  if (!bt_str_equal(str_of(&item->key), bt_str_from(name))) return;
  request->has_repeated = request->has_repeated || out->ptr;
  *out = str_of(&item->value);
}

static void take_headers(const place *p, bt_grpc_request *request) {
  for (size_t i = 0; i < p->metadata.count; i++) {
    const grpc_metadata *item = &p->metadata.metadata[i];
    take_header(item, "authorization", &request->authorization, request);
    take_header(item, "x-scope-orgid", &request->tenant, request);
    take_header(item, "x-grafana-user", &request->grafana_user, request);
  }
}

/* Then the place may be another call's, or gone. */
static void take_answer(void *context, const bt_grpc_answer *answer) {
  if (!answer->was_routed) tell_refused(context);
  send_answer(context, answer);
}

static void handle_request(bt_task *task) {
  place *p = (place *)((char *)task - offsetof(place, task));
  bt_grpc_request request = {.api = p->server->options.api,
                             .method = str_of(&p->details.method),
                             .turn = task->tenant,
                             .remaining_ns = remaining_ns(p),
                             .scope = &p->scope};
  take_headers(p, &request);
  grpc_byte_buffer_reader reader;
  bool is_read = grpc_byte_buffer_reader_init(&reader, p->message);
  grpc_slice message = is_read ? grpc_byte_buffer_reader_readall(&reader) : grpc_empty_slice();
  if (is_read) grpc_byte_buffer_reader_destroy(&reader);
  request.message = str_of(&message);
  bt_grpc_handle(p->server->options.http, &request, take_answer, p);
  grpc_slice_unref(message);
}

/* ---- on the queue's thread ---- */

static void refuse_call(place *p, int code, const char *text) {
  bt_grpc_answer answer = {.code = code};
  tell_refused(p);
  bt_buffer_append(&answer.details, bt_str_from(text));
  send_answer(p, &answer);
  bt_grpc_answer_dispose(&answer);
}

/* Nobody has looked yet whether the token is right: each has turns of its own. */
static uint64_t key_of_caller(const place *p) {
  bt_grpc_request request = {.remaining_ns = 0};
  take_headers(p, &request);
  return bt_turns_key(request.authorization.ptr, request.authorization.len) ^
         bt_turns_key(request.tenant.ptr, request.tenant.len);
}

static void hand_over(place *p) {
  bt_grpc_server *server = p->server;
  if (!p->message) { /* too large, or the caller is gone; the library has set the status of the first */
    refuse_call(p, GRPC_STATUS_CANCELLED, "The message did not come.");
    return;
  }
  bt_lane lane = bt_grpc_lane(server->options.api, str_of(&p->details.method));
  pthread_mutex_lock(&server->mutex);
  p->task = (bt_task){.run = handle_request, .tenant = key_of_caller(p)};
  bool is_taken = !server->stopping && bt_pool_submit(server->options.work->pool, lane, &p->task);
  pthread_mutex_unlock(&server->mutex);
  if (!is_taken)
    refuse_call(p, GRPC_STATUS_UNAVAILABLE, "Too many calls are waiting, or the service stops; try again.");
}

static void is_over(place *p) {
  if (--p->under_way) return;
  clear_place(p);
  p->server->busy--;
  atomic_fetch_sub(&p->server->under_way, 1);
  if (!p->server->has_ended) wait_for_call(p);
}

static void take_event(bt_grpc_server *server, const event *e, bool success) {
  place *p = e->place;
  switch (e->kind) {
  case CALL_CAME:
    server->waiting--;
    if (success) {
      server->busy++;
      atomic_fetch_add(&server->under_way, 1);
      read_message(p);
    } else {
      clear_place(p);
    }
    break;
  case MESSAGE_CAME:
    p->is_silent = false;
    hand_over(p);
    break;
  case CALL_ENDED:
    if (p->was_cancelled) bt_work_scope_cancel(&p->scope, BT_SCOPE_READER_GONE);
    is_over(p);
    break;
  case ANSWER_SENT: is_over(p); break;
  case SERVER_ENDED: server->has_ended = true; break;
  }
}

/* Where no place is free, calls whose message does not come have to go: anyone can make them, also without a token.
 * Until when to wait for the next event. */
static gpr_timespec end_silent_calls(bt_grpc_server *server) {
  gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC), next = gpr_inf_future(GPR_CLOCK_MONOTONIC);
  if (server->waiting) return next;
  for (size_t i = 0; i < PLACES; i++) {
    place *p = &server->places[i];
    if (!p->is_silent) continue;
    if (gpr_time_cmp(p->silent_until, now) > 0) {
      next = gpr_time_min(next, p->silent_until);
      continue;
    }
    p->is_silent = false;
    grpc_call_cancel(p->call, NULL);
  }
  return next;
}

static void take_events(bt_grpc_server *server) {
  while (!server->has_ended || server->waiting || server->busy) {
    grpc_event next = grpc_completion_queue_next(server->queue, end_silent_calls(server), NULL);
    if (next.type == GRPC_OP_COMPLETE) take_event(server, next.tag, next.success);
  }
}

static void *run_events(void *server) {
  bt_thread_forbid_waits();
  take_events(server);
  return NULL;
}

/* ---- start and stop ---- */

static bt_status read_file(const char *path, char **out, bt_error *error) {
  FILE *file = fopen(path, "rb");
  char *text = file ? calloc(1, FILE_MAX_BYTES + 1) : NULL;
  size_t length = text ? fread(text, 1, FILE_MAX_BYTES, file) : 0;
  if (file) fclose(file);
  if (file && !text) return bt_error_no_memory(error);
  if (length && length < FILE_MAX_BYTES) return *out = text, BT_OK;
  free(text);
  return bt_error_set(error, BT_IO, "%s cannot be read as a PEM file for --grpc", path);
}

static bt_status make_credentials(const bt_grpc_server_options *options, grpc_server_credentials **out,
                                  bt_error *error) {
  char *cert = NULL, *key = NULL;
  if (!options->tls_cert) return *out = grpc_insecure_server_credentials_create(), BT_OK;
  bt_status status = read_file(options->tls_cert, &cert, error);
  if (!status) status = read_file(options->tls_key, &key, error);
  if (!status) {
    grpc_ssl_pem_key_cert_pair pair = {key, cert};
    *out = grpc_ssl_server_credentials_create(NULL, &pair, 1, 0, NULL);
    if (!*out) status = bt_error_set(error, BT_INVALID, "--tls-cert and --tls-key cannot be used for --grpc");
  }
  free(cert);
  free(key);
  return status;
}

static grpc_server *make_server(const bt_grpc_server_options *options) {
  size_t most = options->message_max_bytes ? options->message_max_bytes : MESSAGE_MAX_BYTES;
  grpc_arg items[] = {
      {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = (int)most},
      {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_CONCURRENT_STREAMS, .value.integer = STREAMS_MAX},
      {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_METADATA_SIZE, .value.integer = METADATA_MAX_BYTES},
      {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0},
      /* Where anybody may call, without compression: what is small on the wire is small in memory. */
      {.type = GRPC_ARG_INTEGER,
       .key = (char *)GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
       .value.integer = 1 << GRPC_COMPRESS_NONE | (options->takes_gzip ? 1 << GRPC_COMPRESS_GZIP : 0)}};
  grpc_channel_args args = {sizeof items / sizeof *items, items};
  return grpc_server_create(&args, NULL);
}

/* The library takes ports modulo 65536. */
static bool has_port(const char *address) {
  const char *colon = strrchr(address, ':');
  size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
  return digits > 0 && digits <= 5 && !colon[1 + digits] && strtoul(colon + 1, NULL, 10) <= UINT16_MAX;
}

static bt_status listen_on(bt_grpc_server *server, const bt_grpc_server_options *options, bt_error *error) {
  grpc_server_credentials *credentials = NULL;
  bt_status status = make_credentials(options, &credentials, error);
  if (status) return status;
  int port = has_port(options->listen) ? grpc_server_add_http2_port(server->server, options->listen, credentials) : 0;
  grpc_server_credentials_release(credentials);
  if (port <= 0)
    return bt_error_set(error, BT_IO,
                        "--grpc %s: this address cannot be listened on; give HOST:PORT of this machine that is free",
                        options->listen);
  server->port = (uint16_t)port;
  return BT_OK;
}

static void init_place(bt_grpc_server *server, place *p) {
  *p = (place){.server = server,
               .came = {CALL_CAME, p},
               .message_came = {MESSAGE_CAME, p},
               .ended = {CALL_ENDED, p},
               .sent = {ANSWER_SENT, p},
               .answer_details = grpc_empty_slice()};
  p->trailing[0].value = grpc_empty_slice();
}

static void dispose_server(bt_grpc_server *server) {
  if (server->server) grpc_server_destroy(server->server);
  if (server->queue) {
    grpc_completion_queue_shutdown(server->queue);
    while (grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(server->queue);
  }
  pthread_mutex_destroy(&server->mutex);
  free(server);
  grpc_shutdown();
}

/* Ends a server that has no thread that takes events: what comes is only its end. */
static void dispose_idle(bt_grpc_server *server) {
  if (server->server) {
    grpc_server_shutdown_and_notify(server->server, server->queue, &server->server_ended);
    grpc_server_cancel_all_calls(server->server);
    take_events(server);
  }
  dispose_server(server);
}

static bt_status start_server(bt_grpc_server *server, bt_error *error) {
  grpc_server_start(server->server);
  for (size_t i = 0; i < PLACES; i++) wait_for_call(&server->places[i]);
  if (pthread_create(&server->thread, NULL, run_events, server) == 0) return BT_OK;
  return bt_error_set(error, BT_LIMIT, "the system refused to start a thread for --grpc");
}

bt_status bt_grpc_server_new(const bt_grpc_server_options *options, bt_grpc_server **out, bt_error *error) {
  *out = NULL;
  bt_grpc_server *server = calloc(1, sizeof *server);
  if (!server) return bt_error_no_memory(error);
  grpc_init();
  pthread_mutex_init(&server->mutex, NULL);
  server->options = *options;
  server->server_ended = (event){SERVER_ENDED, NULL};
  for (size_t i = 0; i < PLACES; i++) init_place(server, &server->places[i]);
  server->queue = grpc_completion_queue_create_for_next(NULL);
  server->server = make_server(options);
  grpc_server_register_completion_queue(server->server, server->queue, NULL);
  bt_status status = listen_on(server, options, error);
  if (!status) status = start_server(server, error);
  if (status)
    dispose_idle(server);
  else
    *out = server;
  return status;
}

uint16_t bt_grpc_server_port(const bt_grpc_server *server) {
  return server->port;
}

uint32_t bt_grpc_server_under_way(const bt_grpc_server *server) {
  return atomic_load(&server->under_way);
}

void bt_grpc_server_stop(bt_grpc_server *server) {
  if (!server) return;
  pthread_mutex_lock(&server->mutex);
  server->stopping = true;
  pthread_mutex_unlock(&server->mutex);
  grpc_server_shutdown_and_notify(server->server, server->queue, &server->server_ended);
  grpc_server_cancel_all_calls(server->server);
  pthread_join(server->thread, NULL);
  dispose_server(server);
}
