/* What the files of the HTTP server share: the server, its loops, and a request on its way (h2o's world; handlers see
 * call.h alone). A task belongs to its loop, and to a worker for the time of one handler or one page of a stream;
 * is_with_worker says which. A call that has left its place until it is woken counts as with a worker. The loop cancels
 * the scope of a task when the reader is gone. The loop owns the request pointer: a guard in the request's pool clears
 * it when the request ends early, and whichever side is last frees the task. Thread: the loop's own, except for what a
 * worker is given. */
#ifndef BT_SERVER_HTTP_LOOP_H
#define BT_SERVER_HTTP_LOOP_H

#include <h2o.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/base/clock.h"
#include "server/http/access.h"
#include "server/http/audit.h"
#include "server/http/body_budget.h"
#include "server/http/client_rates.h"
#include "server/http/guard.h"
#include "server/http/http_server.h"

typedef struct bt_http_loop bt_http_loop;
typedef struct bt_http_connection bt_http_connection; /* connection.h */

typedef enum bt_stream_state { BT_STREAM_IDLE, BT_STREAM_ASKING, BT_STREAM_SENDING, BT_STREAM_WAITING } bt_stream_state;

typedef struct bt_http_task {
  h2o_multithread_message_t message; /* back to the loop */
  bt_http_loop *loop;
  h2o_req_t *request; /* NULL once the request is gone; only the loop looks */
  bt_call *call;
  const bt_route *route; /* NULL: a page */
  bool is_with_worker;
  bt_task work;        /* its node in a lane */
  bt_work_scope scope; /* of what goes into one */
  bool has_scope;
  int64_t timeout_ns;       /* that the caller gives it; 0: none said */
  h2o_linklist_t under_way; /* linked while it is with a worker */
  int64_t started_ns;       /* when the request was there; monotonic */
  h2o_generator_t generator;
  int64_t send_deadline_ms; /* of the answer or page under way */
  uint64_t taken_bytes;     /* by the reader, when the deadline was last looked at */
  bool is_last_chance;      /* the deadline is not put off for a reader that is slow but there */
  h2o_linklist_t sending;   /* linked while one is */
  bt_str page;              /* the answer, where it is not the call's; page_holder keeps it */
  bt_access *page_holder;
  bt_http_connection *connection; /* while it waits for the request's body */
  bt_buffer body;                 /* the call's body points into it */
  size_t body_charge;             /* what it holds of the budget */
  char from[64];                  /* the address of who asks, of calls that are audited */
  bt_trace_context span;          /* of the call, where calls have spans; else all-zero */
  bt_span_id span_parent;
  int64_t span_start_ns; /* of the wall clock */
  bool is_submitted, is_answered;

  bt_stream_state stream_state; /* all below: streams only */
  bt_stream_step step;          /* what the last page came with */
  int64_t last_sent_ms;
  h2o_timeout_entry_t again;
  h2o_linklist_t streaming;
} bt_http_task;

struct bt_http_loop {
  bt_http_server *server;
  pthread_t thread;
  bool is_started;
  h2o_context_t context;
  h2o_accept_ctx_t accept;
  h2o_multithread_receiver_t receiver;
  h2o_multithread_message_t stop_message;
  h2o_socket_t *listener;
  int listen_fd;
  h2o_linklist_t connections; /* open ones */
  h2o_linklist_t ungated;     /* of bt_http_connection.ungated */
  h2o_linklist_t waiting;     /* of bt_http_connection.waiting */
  h2o_linklist_t sending;     /* of bt_http_task.sending */
  h2o_linklist_t streaming;   /* of bt_http_task.streaming */
  h2o_linklist_t under_way;   /* of bt_http_task.under_way */
  int64_t look_at_readers_ms; /* when to look whether they are still there */
  h2o_timeout_t stream_again; /* when streams that had nothing are asked once more */
  size_t task_count;
  bool is_stopping;
  int64_t stop_deadline_ms;
};

struct bt_http_server {
  bt_http_server_options options;
  char listen_host[128];
  char too_large[80]; /* what a body over the limit is told */
  uint16_t port;
  h2o_globalconf_t config;
  bt_workplace *work;
  bool owns_work;
  atomic_size_t lent;    /* tasks that are with workers */
  atomic_bool is_ending; /* and main waits for them */
  bt_body_budget *bodies;
  bt_audit *audit;
  bt_client_rates *client_rates, *address_rates; /* NULL: no limit */
  bt_http_loop *loops;
  atomic_uint connection_count;
  atomic_uint under_way; /* requests of bt_http_connection.is_begun */
  pthread_mutex_t mutex; /* guards all below but started_count */
  bt_access *access;     /* what holds now */
  pthread_cond_t changed;
  uint32_t ready_count, drained_count; /* loops that serve; that have closed all */
  uint32_t workers_ended;              /* 1: no task comes back any more */
  uint32_t started_count;              /* main's own */
};

typedef struct bt_http_handler { /* h2o gives us our handler back; the server hangs on it */
  h2o_handler_t super;
  bt_http_server *server;
} bt_http_handler;

/* The monotonic clock. */
static inline int64_t bt_http_now_ms(void) {
  return bt_clock_monotonic_ns() / 1000000;
}

/* Who may do what as it holds now, to be released (never NULL). */
static inline bt_access *bt_http_access(bt_http_server *server) {
  pthread_mutex_lock(&server->mutex);
  bt_access *access = bt_access_acquire(server->access);
  pthread_mutex_unlock(&server->mutex);
  return access;
}

/* lent_tasks.c */
/* Gives the task to a worker; false: the lane is full. Whoever runs it ends with bt_http_task_give_back or _leave. */
bool bt_http_task_lend(bt_http_task *task, bt_lane lane, void (*run)(bt_task *work)) BT_MUST_CHECK;
void bt_http_task_give_back(bt_http_task *task); /* on a worker; the last that it does with the task */
/* On a worker, and the last of it, too: `run` goes on in the same lane when the call's wait is woken, or at until_ns,
 * and begins with bt_wait_return. */
void bt_http_task_leave(bt_http_task *task, int64_t until_ns, void (*run)(bt_task *work));
void bt_http_task_handle(bt_task *work); /* runs the route's handler; for bt_http_task_lend */
/* Readers of requests that are with workers and have gone: their work is cancelled. */
void bt_http_look_at_readers(bt_http_loop *loop);
bool bt_http_reader_is_gone(h2o_req_t *request);

/* request.c */
int bt_http_on_request(h2o_handler_t *handler, h2o_req_t *request);
bt_str bt_http_header(h2o_req_t *request, const char *name); /* len 0: not sent */
bt_problem_form bt_http_problem_form(h2o_req_t *request);    /* of a refusal of that request */
bt_str bt_http_path(const h2o_req_t *request);               /* without the query, as it came */
/* allow: of a 405; else NULL */
void bt_http_send_problem(h2o_req_t *request, int status, const char *kind, const char *detail, const char *allow);
/* new; belongs to the request from then on. NULL: no memory. route NULL: a page. */
bt_http_task *bt_http_task_new(bt_http_loop *loop, h2o_req_t *request, const bt_route *route);
/* Its call is whole: runs its handler, here or on a worker. */
void bt_http_task_submit(bt_http_task *task);
/* A task came back from a worker: sends its answer or its page, or frees it. */
void bt_http_task_returned(bt_http_task *task);
/* Fills request->res from the call. */
void bt_http_set_headers(h2o_req_t *request, const bt_call *call);
/* A piece of the answer is under way from now on: a reader that takes too long over it is cut off. */
void bt_http_sending_begin(bt_http_task *task);
void bt_http_sending_end(bt_http_task *task);
void bt_http_cut_stalled(bt_http_loop *loop);

/* pages_answer.c */
bool bt_http_is_for_pages(const bt_http_server *server, const bt_access *access, h2o_req_t *request);
bool bt_http_is_navigation(h2o_req_t *request);
void bt_http_answer_page(bt_http_loop *loop, bt_access *access, h2o_req_t *request);

/* stream.c */
void bt_http_stream_start(bt_http_task *task);
void bt_http_stream_returned(bt_http_task *task);
/* The request is gone: no timer may call any more. */
void bt_http_stream_forget(bt_http_task *task);
void bt_http_streams_stop(bt_http_loop *loop);

#endif
