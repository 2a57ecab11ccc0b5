/* A connection between the socket and h2o's parser. The library reads a whole body before it reports the request. So
 * it gets heads alone, without what says that a body follows, and this code reads bodies itself once it knows that the
 * caller may send one (body.c). Every connection is at one of these stages:
 *
 *   head       on_gate_read looks for one whole head, keeps what stands behind it, and gives the head to h2o (gate.c)
 *   body       the request's task waits for its body; bytes go into the task and not into the library's buffer
 *   answer     nothing is read
 *   lingering  it was answered before all was read: the rest is thrown away for a while, so that the answer is not lost
 * in a reset
 *
 * What this takes from libh2o 2.2 beyond its interface: h2o_socket_t._cb.read, its callback for heads, is put aside and
 * called from here. Thread: all of it is for the loop's own thread. */
#ifndef BT_SERVER_HTTP_CONNECTION_H
#define BT_SERVER_HTTP_CONNECTION_H

#include "server/http/chunks.h"
#include "server/http/loop.h"

typedef enum bt_http_wait { BT_WAIT_NOTHING, BT_WAIT_HANDSHAKE, BT_WAIT_BODY, BT_WAIT_END } bt_http_wait;

struct bt_http_connection {
  h2o_linklist_t link;    /* in the loop's list of all */
  h2o_linklist_t ungated; /* linked from a request's end until the gate stands again */
  h2o_linklist_t waiting; /* linked while it waits for what has a deadline */
  bt_http_wait wait;
  int64_t deadline_ms;
  bt_http_loop *loop;
  h2o_socket_t *socket;
  bt_access *access; /* whose TLS context it uses */

  h2o_socket_cb read; /* h2o's own, for heads */
  size_t scanned_bytes;
  h2o_buffer_t *held; /* what came behind the head; NULL: nothing */
  h2o_buffer_t *head; /* the request's strings point into it; NULL: the socket has it */
  bt_buffer refused;  /* an answer that h2o knows nothing of */

  bt_guard_refusal refusal; /* what is wrong with the head that is being answered; status 0: nothing */
  bool is_chunked, wants_continue, is_persistent;
  bool had_request;      /* that was to be given to a worker */
  bool is_begun;         /* something of a request came, and it is neither answered nor lost */
  char line[128];        /* method and path of the request that came last, cut; "": none came whole yet */
  size_t method_bytes;   /* of that */
  uint64_t unread_bytes; /* of a body with a length */
  uint64_t body_bytes;   /* that length; 0: it has none */
  uint64_t taken_bytes;  /* of the body, so far */
  bt_chunks chunks;
  bt_http_task *task;                    /* that waits for the body */
  uint64_t passed_bytes, lingered_bytes; /* thrown away after an early answer: of what was here; of what came then */
};

/* fate.c: what is told of each request. */
/* These bytes are of a request, if they are of one at all. */
void bt_http_fate_begin(bt_http_connection *connection, bt_str bytes);
/* Its head came whole. */
void bt_http_fate_name(bt_http_connection *connection, bt_str method, bt_str path);
/* Its answer begins, whoever gives it. */
void bt_http_fate_answered(bt_http_connection *connection);
/* The connection is gone: what was not answered is lost, and so is what came behind the last that was. */
void bt_http_fate_closed(bt_http_connection *connection);
/* A connection was closed before anything of it was read. */
void bt_http_fate_no_room(const bt_http_server *server);
/* An answer that no task makes: method and path as the connection has them. */
void bt_http_fate_refused(const bt_http_connection *connection, int status, bt_str answer);
void bt_http_fate_of_task(const bt_http_task *task, int64_t duration_ns);

/* Owned by its loop; never NULL. */
bt_http_connection *bt_http_connection_of(h2o_req_t *request);

/* gate.c: from now on heads of this connection are looked at first, beginning with what it holds. Its socket has just
 * been given to h2o. True: it held something, and the connection may be gone. */
bool bt_http_gate_close(bt_http_connection *connection);
/* After each turn of the loop, before the next one polls: puts the gate before what h2o has begun to read again, and
 * looks at what came already. True: the next turn must not wait. */
bool bt_http_gate_turn(bt_http_loop *loop);
/* To be called for each request that reaches a handler: its end brings the gate back. */
void bt_http_gate_expect_end(h2o_req_t *request);
/* Ends the connection as h2o would. Neither it nor its request may be used afterwards. */
void bt_http_connection_end(bt_http_connection *connection);
/* Its last answer was sent: throws away what still comes, for a while, and ends it. */
void bt_http_connection_linger(bt_http_connection *connection);
void bt_http_wait_for(bt_http_connection *connection, bt_http_wait wait, uint32_t milliseconds);
void bt_http_wait_end(bt_http_connection *connection);

/* body.c: a body is announced, and has not come whole yet. */
bool bt_http_body_is_left(const bt_http_connection *connection);
/* The size that the head says; of chunks the most that is taken. */
size_t bt_http_body_most(const bt_http_connection *connection);
/* Reads the body into the task, and gives the task to a worker then. Refused and cut bodies are answered here. */
void bt_http_body_read(bt_http_connection *connection, bt_http_task *task);
/* Frees the body and gives its room back; its task ends. */
void bt_http_body_drop(bt_http_task *task);
/* The task's request is gone. */
void bt_http_body_forget(bt_http_task *task);
/* Bodies, handshakes and ends that take too long; all of them where the loop is stopping. */
void bt_http_cut_waiting(bt_http_loop *loop);

#endif
