/* One HTTP request and its answer, without h2o: what a handler sees. The loop copies the request into it, the lane of
 * its route runs the handler, the loop sends what the handler left. Thread: belongs to one thread at a time, handed
 * over through queues. */
#ifndef BT_SERVER_HTTP_CALL_H
#define BT_SERVER_HTTP_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/problem.h"
#include "server/work/scope.h"
#include "server/work/wait.h"
#include "tempo/wire/cancellation.h"

enum { BT_CALL_MAX_PARAMS = 4, BT_CALL_MAX_HEADERS = 12, BT_CALL_MAX_PARAMETERS = 1024 };

typedef struct bt_call_header {
  const char *name; /* lower case, a literal */
  bt_str value;     /* in the call's arena */
} bt_call_header;

typedef struct bt_call_parameter {
  bt_str name, value; /* the name as it stands in the query, the value percent-decoded */
} bt_call_parameter;

/* What came of asking a stream for its next page. */
typedef enum bt_stream_step {
  BT_STREAM_MORE, /* a page, and there may be another at once */
  BT_STREAM_WAIT, /* nothing more now: ask again soon (within 250 ms) */
  BT_STREAM_END   /* that was the last page */
} bt_stream_step;

/* An answer that is made page by page while it is read. A page is asked for only when the reader has taken the one
 * before, so a slow reader costs one page and no thread. */
typedef struct bt_stream_operations {
  /* Appends the next page, at most about 64 KiB; an empty page with MORE counts as WAIT. On a worker thread, never two
   * at once; must not wait: where it says WAIT, it may have called bt_call_leave to be asked again when it is woken. A
   * page that could not be appended (no memory) breaks the answer off. */
  bt_stream_step (*next)(void *context, bt_buffer *page);
  const char *heartbeat; /* sent after 10 s without a page, so that a reader that is gone is found: ": \n\n" for SSE;
                            NULL: none */
  /* Called once, when the stream ended, its reader went away or the service stops. On an event loop's thread: must not
   * block. */
  void (*free)(void *context);
} bt_stream_operations;

/* Who sent a request, as he said it, for what asks others in his name; strings are in the call's arena. */
typedef struct bt_call_sender {
  bt_str authorization, tenant, grafana_user; /* headers; len 0: not sent */
  bt_str from;                                /* his address */
} bt_call_sender;

typedef struct bt_call {
  bt_arena arena; /* of the call; the request's strings live here */
  bt_str method, path, query, body;
  bt_str if_match, accept, accept_encoding, last_event_id; /* len 0: not sent */
  bt_str mcp_version, mcp_method;                          /* MCP-Protocol-Version, Mcp-Method */
  bt_str mcp_name;                                         /* Mcp-Name, as it came */
  struct bt_http_server *server;                           /* whom it reached; NULL: in tests */
  bt_call_sender sender;                                   /* in the assistants' lane; else all-zero */
  bt_str body_type, body_encoding;                         /* Content-Type and Content-Encoding of the request */
  bt_str otlp_type;                  /* the same where OTLP/HTTP is spoken: problems are of its form; else len 0 */
  bt_str params[BT_CALL_MAX_PARAMS]; /* what {…} of the route's path stood for, percent-decoded */
  size_t param_count;
  const bt_call_parameter *parameters; /* of the query, in order, once it was read */
  size_t parameter_count;
  bool is_query_read;
  bool is_query_cut;  /* there was no memory to read the query */
  const char *tenant; /* or NULL; of several "a|b" in order */
  bool every_tenant;  /* no tenant was named, and the caller may see what belongs to any: metrics */
  bool is_editor;     /* who asks may change rules */
  const char *user;   /* who asks, for updated_by; NULL: nobody in particular */
  /* Below which the work hangs; borrowed. Cancelled when the deadline is over, the reader is gone or the service stops.
   * NULL: on a loop, where nothing waits, and in tests. */
  bt_work_scope *scope;
  bt_wait wait; /* all-zero where the call cannot leave its place */
  struct {      /* that it has left it: bt_call_leave */
    bool is_away;
    bool lacks_memory; /* something of it was lost before */
    int64_t until_ns;
    void (*go_on)(void *context, struct bt_call *call);
    void *context;
  } away;

  int status;
  const char *content_type, *cache_control; /* cache_control NULL: no-store */
  bt_call_header headers[BT_CALL_MAX_HEADERS];
  size_t header_count;
  bt_buffer answer; /* whole, or the page under way of a stream */
  struct {
    const bt_stream_operations *operations; /* NULL: the answer is whole */
    void *context;
    struct bt_gzip_packer *packer; /* its pages go out packed; NULL: as they are */
  } stream;
} bt_call;

bt_call *bt_call_new(size_t cap_bytes); /* new; NULL: no memory */
void bt_call_free(bt_call *call);

/* Adds a parameter of the path, percent-decoded. False: no memory, or more than BT_CALL_MAX_PARAMS. */
bool bt_call_param_set(bt_call *call, bt_str encoded) BT_MUST_CHECK;

/* Whether the body is of that media type; what follows a semicolon does not count. */
bool bt_call_body_is(const bt_call *call, bt_str type);

/* What work for the call looks at; NULL where it has no scope. */
const bt_cancel *bt_call_cancel(const bt_call *call);
/* Why the call was cut: the status and the words for it. */
void bt_call_cut(bt_call *call);

/* The caller's tenant; "" is that of a service without tenants. */
const char *bt_call_tenant(const bt_call *call);
/* What the first {…} of the path stood for, as a C string in the call's arena; "" when it holds a NUL, which no id
 * does. */
const char *bt_call_id(const bt_call *call);

/* Comes first: reads the query. Every parameter has to be one of `names` (NULL-terminated) and, but for rule_id and
 * label, stand once; there may be BT_CALL_MAX_PARAMETERS. Else answers 400 with the nearest name, or 503 when there is
 * no memory for it, and returns false. After true the others below need no memory: a question is read whole or not at
 * all. */
bool bt_call_query_allows(bt_call *call, const char *const *names);
/* The value of a query parameter, percent-decoded; false when it is not there. BT_STR("") for `?k` and `?k=`. */
bool bt_call_query(bt_call *call, const char *name, bt_str *out);
/* Calls visit for each value of a parameter that may stand several times. */
void bt_call_query_each(bt_call *call, const char *name, void (*visit)(void *context, bt_str value), void *context);
/* Whether there was memory for the query and for what was made of it; else answers 503 and returns false. */
bool bt_call_query_whole(bt_call *call);
/* limit=…: 1 to max; `otherwise` when it is not there. Answers 400 and returns false when it is something else. */
bool bt_call_limit(bt_call *call, size_t otherwise, size_t max, size_t *out);

/* Response headers; the value is copied. More than fit are a programming error. */
void bt_call_header_set(bt_call *call, const char *name, bt_str value);
/* Answers JSON; takes the object. NULL (no memory while it was built) answers 500. */
void bt_call_json(bt_call *call, int status, json_t *body);
void bt_call_text(bt_call *call, int status, const char *content_type, bt_str body);
/* Answers 204 without a body. */
void bt_call_no_content(bt_call *call);
/* Answers with a stream; takes the context, which operations->free ends. Headers go out at once. A stream that is cut
 * off (no memory, or the service stops) ends without the last chunk, so that no reader takes it for whole. status has
 * to be 200 for the connection to be kept. An answer set later takes the stream's place and frees it. */
void bt_call_stream(bt_call *call, int status, const char *content_type, const bt_stream_operations *operations,
                    void *context);

/* What others get who know when the call can go on (wait.h), owned by the call; NULL: it cannot wait, and has to
 * answer. */
bt_wait *bt_call_wait(bt_call *call);
/* There is no answer yet: the call leaves its place as soon as its handler, or the page of its stream, returns. `go_on`
 * is called later, in the same lane: when the wait is woken, at until_ns, or when the call is cut. It answers, or
 * leaves again. NULL: of a stream, which is asked for its page again. */
void bt_call_leave(bt_call *call, int64_t until_ns, void (*go_on)(void *context, bt_call *call), void *context);
/* For who runs the call: it is back in its place, and goes on. */
void bt_call_go_on(bt_call *call);
/* Its handler has returned: an answer that lacks something for want of memory becomes one that says so. */
void bt_call_end_turn(bt_call *call);

/* The next page of a stream, appended to `answer`. One that lacks something for want of memory counts as failed. */
bt_stream_step bt_call_next_page(bt_call *call);

/* 500: there was not enough memory to make the answer. Needs next to none itself. */
void bt_call_no_memory(bt_call *call);
/* A problem document (RFC 9457). kind: the last part of its type, a stable word. */
void bt_call_problem(bt_call *call, int status, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with errors[]; takes the array. */
void bt_call_problem_with(bt_call *call, int status, const char *kind, json_t *errors, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The problem that a status of ours is: 404, 409, 400, 503, … with the error's message. */
void bt_call_error(bt_call *call, bt_status status, const bt_error *error);
/* 503 with Retry-After: too much of this is under way. */
void bt_call_busy(bt_call *call, const bt_error *error);

/* The body as a JSON object; an empty body is {} when `may_be_empty`. A query that nobody has read by then may have no
 * parameters. NULL: answered already. Free with json_decref. */
json_t *bt_call_body(bt_call *call, bool may_be_empty);

/* A time in a body: a string as bt_time_parse reads, or a whole number (unix s, ms or ns). False: neither. */
bool bt_json_time(const json_t *value, int64_t now_ns, int64_t *out_ns);

/* What is wrong with fields of a body: errors[] of a problem document. All-zero is none. */
typedef struct bt_field_errors {
  json_t *items;
  bool are_lost; /* there were some, and no memory for them */
} bt_field_errors;
void bt_field_errors_add(bt_field_errors *errors, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Complains about every key of `object` that is not in `names` (NULL-terminated), with the nearest name. */
void bt_field_errors_unknown(bt_field_errors *errors, json_t *object, const char *const *names);
/* Whether something is wrong, be it that there was no memory to say what. */
bool bt_field_errors_any(const bt_field_errors *errors);
/* Takes them, where another answer was given. */
void bt_field_errors_drop(bt_field_errors *errors);
/* True and answered 400 when there are any, or 503 when they were lost; takes them. */
bool bt_call_refuse_fields(bt_call *call, bt_field_errors *errors);

#endif
