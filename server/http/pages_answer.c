/* Pages over HTTP: which requests they answer, what a browser may do with them, and the sending out of memory that a
 * reload may replace meanwhile (the task holds on to it). On the loop's own thread: nothing here waits. See pages.h and
 * loop.h. */
#include <string.h>

#include "server/http/loop.h"
#include "server/http/router.h"

/* Everything from this service alone. Styles are written into the page by its style library. */
#define PAGE_POLICY                                                                                                    \
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "                    \
  "font-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'self'; "               \
  "form-action 'none'; frame-ancestors 'none'"

static const struct {
  const char *name, *value;
} page_headers[] = {{"content-security-policy", PAGE_POLICY},
                    {"x-frame-options", "DENY"},
                    {"referrer-policy", "no-referrer"},
                    {"cross-origin-opener-policy", "same-origin"},
                    {"cross-origin-resource-policy", "same-origin"},
                    {"permissions-policy", "camera=(), geolocation=(), microphone=()"},
                    {"vary", "Accept-Encoding"},
                    {NULL, NULL}};

static bool is_reading(h2o_req_t *request) {
  bt_str method = {request->method.base, request->method.len};
  return bt_str_equal(method, BT_STR("GET")) || bt_str_equal(method, BT_STR("HEAD"));
}

/* Routes go before pages, also where only another method would be right. */
static bool is_of_a_route(const bt_http_server *server, bt_str path) {
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t param_count = 0;
  bt_buffer allowed = {0};
  bt_status found = bt_router_find(server->options.routes, server->options.route_count, BT_STR("GET"), path, &route,
                                   params, &param_count, &allowed);
  bt_buffer_dispose(&allowed);
  return found != BT_NOT_FOUND;
}

bool bt_http_is_for_pages(const bt_http_server *server, const bt_access *access, h2o_req_t *request) {
  bt_str path = bt_http_path(request);
  return bt_access_pages(access) && !bt_pages_leave_to_api(path) && !is_of_a_route(server, path);
}

/* Somebody follows a link to a page, from wherever: a document of its own, which no other page can look into. */
bool bt_http_is_navigation(h2o_req_t *request) {
  bt_str destination = bt_http_header(request, "sec-fetch-dest");
  return is_reading(request) && bt_str_equal(bt_http_header(request, "sec-fetch-mode"), BT_STR("navigate")) &&
         (!destination.len || bt_str_equal(destination, BT_STR("document")));
}

static void fill_call(bt_call *call, const bt_page_answer *answer) {
  call->status = answer->status;
  call->content_type = answer->content_type;
  call->cache_control = answer->cache_control;
  bt_call_header_set(call, "etag", bt_str_from(answer->etag));
  if (answer->encoding) bt_call_header_set(call, "content-encoding", bt_str_from(answer->encoding));
  for (size_t i = 0; page_headers[i].name; i++)
    bt_call_header_set(call, page_headers[i].name, bt_str_from(page_headers[i].value));
}

void bt_http_answer_page(bt_http_loop *loop, bt_access *access, h2o_req_t *request) {
  bt_page_question question = {.path = bt_http_path(request),
                               .accept = bt_http_header(request, "accept"),
                               .accept_encoding = bt_http_header(request, "accept-encoding"),
                               .if_none_match = bt_http_header(request, "if-none-match")};
  bt_page_answer answer;
  if (!bt_pages_find(bt_access_pages(access), &question, &answer)) {
    bt_http_send_problem(request, 404, "not-found", "There is no such page, and no such path of the API.", NULL);
    return;
  }
  if (!is_reading(request)) {
    bt_http_send_problem(request, 405, "method-not-allowed", "Pages are read with GET or HEAD.", "GET, HEAD");
    return;
  }
  bt_http_task *task = bt_http_task_new(loop, request, NULL);
  if (!task ||
      !bt_arena_copy(&task->call->arena, (bt_str){request->method.base, request->method.len}, &task->call->method)) {
    if (task) task->is_with_worker = false; /* the request's end frees it */
    bt_http_send_problem(request, 503, "no-memory", "There is not enough memory to take this request; try again later.",
                         NULL);
    return;
  }
  fill_call(task->call, &answer);
  task->page = answer.body;
  task->page_holder = bt_access_acquire(access);
  bt_http_task_returned(task);
}
