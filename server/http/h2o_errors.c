/* A filter that replaces the body of text/plain answers with a status of 400 and above. See h2o_errors.h. */
#include "server/http/h2o_errors.h"

#include <string.h>

#include "server/http/call.h"
#include "server/http/connection.h"
#include "server/http/loop.h"

typedef struct replacing_stream {
  h2o_ostream_t super;
  h2o_iovec_t body;
} replacing_stream;

static void send_replaced(h2o_ostream_t *stream, h2o_req_t *request, h2o_iovec_t *bodies, size_t count,
                          h2o_send_state_t state) {
  replacing_stream *self = (replacing_stream *)stream;
  (void)bodies, (void)count;
  h2o_iovec_t body = self->body;
  self->body.len = 0; /* once */
  h2o_ostream_send_next(&self->super, request, &body, body.len ? 1 : 0, state);
}

static const char *detail_of(const bt_http_server *server, int status) {
  switch (status) {
  case 413: return server->too_large;
  case 417: return "The only expectation that is met is 100-continue.";
  default: return "The request is not HTTP/1.1 as it has to be written; its body could not be read.";
  }
}

static bool is_plain_text(const h2o_req_t *request) {
  ssize_t index = h2o_find_header(&request->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
  return index >= 0 &&
         h2o_memis(request->res.headers.entries[index].value.base, request->res.headers.entries[index].value.len,
                   H2O_STRLIT("text/plain; charset=utf-8"));
}

static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *request, h2o_ostream_t **slot) {
  bt_http_connection *connection = bt_http_connection_of(request);
  bt_buffer body = {0};
  bt_http_fate_answered(connection);
  if (request->res.status >= 400 && is_plain_text(request)) {
    int status = request->res.status;
    bt_problem problem = {.status = status,
                          .kind = status == 413 ? "too-large" : "bad-request",
                          .detail = detail_of(connection->loop->server, status)};
    bt_problem_form form = bt_http_problem_form(request);
    const char *type = bt_problem_type(form);
    bt_problem_write(&body, form, &problem);
    bt_http_fate_refused(connection, status, bt_buffer_str(&body));
    ssize_t index = h2o_find_header(&request->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
    request->res.headers.entries[index].value = h2o_iovec_init(type, strlen(type));
    h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("x-content-type-options"), 0, NULL,
                          H2O_STRLIT("nosniff"));
    replacing_stream *stream = (replacing_stream *)h2o_add_ostream(request, sizeof *stream, slot);
    stream->super.do_send = send_replaced;
    stream->body = h2o_strdup(&request->pool, body.ptr ? body.ptr : "", body.len);
    request->res.content_length = body.len;
    slot = &stream->super.next;
    bt_buffer_dispose(&body);
  }
  h2o_setup_next_ostream(request, slot);
  (void)self;
}

void bt_h2o_errors_register(h2o_pathconf_t *path) {
  h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup_ostream;
}
