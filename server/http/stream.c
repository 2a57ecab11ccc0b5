/* Streaming answers: one page at a time, asked for when the reader has taken the one before. See call.h and loop.h.
 *
 * asking (next runs in the lane of pages) → sending (h2o writes the page) → asking, or waiting (a timer) → … A reader
 * that is gone shows itself by a failing write while sending, and by its closed half of the connection otherwise: h2o
 * does not read while a request is under way, so the socket is looked at each time the stream is touched. A reader that
 * closes only its sending half counts as gone. */
#include "server/http/loop.h"
#include "server/http/packed_answer.h"

enum {
  KEPT_PAGE_BYTES = 4096, /* of page memory, between two pages */
  GRACE_MS = 1000         /* for a reader to take the rest of what breaks off */
};

static void on_proceed(h2o_generator_t *generator, h2o_req_t *request);

/* Without the last chunk: nobody shall take what came for the whole. May free the task. */
static void break_off(bt_http_task *task) {
  task->stream_state = BT_STREAM_SENDING;
  bt_http_sending_begin(task);
  task->send_deadline_ms = bt_http_now_ms() + GRACE_MS;
  task->is_last_chance = true;
  h2o_send(task->request, NULL, 0, H2O_SEND_STATE_ERROR);
}

static void wait_a_little(bt_http_task *task) {
  task->stream_state = BT_STREAM_WAITING;
  h2o_timeout_link(task->loop->context.loop, &task->loop->stream_again, &task->again);
}

static int64_t heartbeat_at_ms(const bt_http_task *task) {
  bool has_one = task->call->stream.operations->heartbeat != NULL;
  return has_one ? task->last_sent_ms + task->loop->server->options.heartbeat_ms : INT64_MAX;
}

static void run_again(bt_task *work);

/* On a worker. What there is nothing of stays away until there is, or until its reader has to hear something. */
static void run_next(bt_task *work) {
  bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, work, work);
  bt_call *call = task->call;
  int64_t heartbeat_ms = heartbeat_at_ms(task);
  task->step = bt_call_next_page(call);
  bt_call_pack_page(call, task->step == BT_STREAM_END);
  bool has_nothing = call->away.is_away && task->step == BT_STREAM_WAIT && !call->answer.len && !call->answer.failed;
  bool is_cut = bt_work_scope_why(&task->scope) != BT_SCOPE_GOES_ON;
  if (!has_nothing || is_cut || bt_http_now_ms() >= heartbeat_ms) {
    bt_http_task_give_back(task);
    return;
  }
  int64_t until_ns = call->away.until_ns;
  if (heartbeat_ms < until_ns / 1000000) until_ns = heartbeat_ms * 1000000;
  bt_http_task_leave(task, until_ns, run_again);
}

static void run_again(bt_task *work) {
  bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, work, work);
  bt_wait_return(&task->call->wait);
  run_next(work);
}

static void ask_for_page(bt_http_task *task) {
  task->stream_state = BT_STREAM_ASKING;
  if (!bt_http_task_lend(task, BT_LANE_PAGES, run_next)) wait_a_little(task);
}

static void on_again(h2o_timeout_entry_t *entry) {
  bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, again, entry);
  if (task->loop->is_stopping || bt_http_reader_is_gone(task->request))
    break_off(task);
  else
    ask_for_page(task);
}

static void send_piece(bt_http_task *task, bt_str piece, h2o_send_state_t state) {
  h2o_iovec_t body = {(char *)piece.ptr, piece.len};
  task->stream_state = BT_STREAM_SENDING;
  task->last_sent_ms = bt_http_now_ms();
  bt_http_sending_begin(task);
  h2o_send(task->request, &body, body.len ? 1 : 0, state);
}

/* Headers go out before the first page is asked for. An empty piece does not get through the filter that makes chunks,
 * so it is given to what comes last. */
static void send_headers(bt_http_task *task) {
  h2o_ostream_t *last = task->request->_ostr_top;
  while (last->next) last = last->next;
  task->stream_state = BT_STREAM_SENDING;
  task->last_sent_ms = bt_http_now_ms();
  bt_http_sending_begin(task);
  last->do_send(last, task->request, NULL, 0, H2O_SEND_STATE_IN_PROGRESS);
}

/* The reader has taken the headers, a page or a heartbeat. */
static void on_proceed(h2o_generator_t *generator, h2o_req_t *request) {
  bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, generator, generator);
  (void)request;
  bt_http_sending_end(task);
  if (task->call->answer.capacity > KEPT_PAGE_BYTES)
    bt_buffer_dispose(&task->call->answer);
  else
    bt_buffer_clear(&task->call->answer);
  if (task->loop->is_stopping)
    break_off(task);
  else if (task->step == BT_STREAM_WAIT)
    wait_a_little(task);
  else
    ask_for_page(task);
}

void bt_http_stream_start(bt_http_task *task) {
  h2o_req_t *request = task->request;
  bool is_head = bt_str_equal(task->call->method, BT_STR("HEAD"));
  bt_http_set_headers(request, task->call);
  if (request->version < 0x101) request->http1_is_persistent = 0; /* its end is all that says the length */
  task->generator.proceed = on_proceed;
  task->again.cb = on_again;
  task->step = BT_STREAM_MORE;
  h2o_linklist_insert(&task->loop->streaming, &task->streaming);
  h2o_start_response(request, &task->generator);
  if (is_head)
    send_piece(task, BT_STR(""), H2O_SEND_STATE_FINAL);
  else
    send_headers(task);
}

static bool heartbeat_is_due(const bt_http_task *task) {
  return bt_http_now_ms() >= heartbeat_at_ms(task);
}

static void send_heartbeat(bt_http_task *task) {
  bt_call *call = task->call;
  bt_buffer_append(&call->answer, bt_str_from(call->stream.operations->heartbeat));
  bt_call_pack_page(call, false);
  if (call->answer.failed)
    break_off(task);
  else
    send_piece(task, bt_buffer_str(&call->answer), H2O_SEND_STATE_IN_PROGRESS);
}

void bt_http_stream_returned(bt_http_task *task) {
  bt_str page = bt_buffer_str(&task->call->answer);
  bool is_end = task->step == BT_STREAM_END;
  if (task->call->answer.failed || (!is_end && task->loop->is_stopping) || bt_http_reader_is_gone(task->request)) {
    break_off(task);
  } else if (is_end || page.len) {
    send_piece(task, page, is_end ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
  } else {
    task->step = BT_STREAM_WAIT;
    if (heartbeat_is_due(task))
      send_heartbeat(task);
    else
      wait_a_little(task);
  }
}

void bt_http_stream_forget(bt_http_task *task) {
  h2o_timeout_unlink(&task->again);
  if (h2o_linklist_is_linked(&task->streaming)) h2o_linklist_unlink(&task->streaming);
}

void bt_http_streams_stop(bt_http_loop *loop) {
  int64_t latest_ms = bt_http_now_ms() + GRACE_MS;
  for (h2o_linklist_t *node = loop->streaming.next, *next; node != &loop->streaming; node = next) {
    bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, streaming, node);
    next = node->next;
    if (task->stream_state == BT_STREAM_SENDING) { /* it ends once this page is taken */
      if (task->send_deadline_ms > latest_ms) task->send_deadline_ms = latest_ms;
      task->is_last_chance = true;
    } else if (task->stream_state == BT_STREAM_WAITING) {
      h2o_timeout_unlink(&task->again);
      break_off(task);
    } /* else: it ends when its page comes back */
  }
}
