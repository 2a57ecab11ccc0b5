/* The HTTP client: one thread with one curl multi (HTTP/1.1, keep-alive) that all workers send requests to, so that the
 * budget of requests in flight is one for everything that reads. Exports have places of their own and do not touch it.
 * Fences: http and https only, no redirects, a maximum for each body held in the write callback (unpacked), timeouts.
 * Thread: bt_http_send may be called from any thread and blocks it. */
#ifndef BT_TEMPO_WIRE_HTTP_CLIENT_H
#define BT_TEMPO_WIRE_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

/* An answer of 429 or 503 with Retry-After holds what its party (if it names one) has waiting for that long, up to
 * this; asking again is the caller's. */
enum { BT_HTTP_LONGEST_HOLD_MS = 30000 };

/* What an error says when no connection came about. */
#define BT_HTTP_NOT_CONNECTED "the connection was refused or nothing answers there"

typedef struct bt_http_client bt_http_client;

struct bt_http_request;
struct bt_http_response;

/* A request that is over, for whoever keeps a record of them. Borrowed until the call returns. */
typedef struct bt_http_exchange {
  const struct bt_http_request *request;
  const struct bt_http_response *response;
  bt_status status;             /* as bt_http_finish returns it; the response counts with BT_OK */
  int64_t took_ms;              /* of the transfer; 0: it never began */
  const bt_error *error;        /* of a status that is not BT_OK */
  const bt_trace_context *span; /* that the request is, below that of its cancel; NULL: of no span */
  int64_t started_ns;           /* by the wall clock; 0: it never began */
} bt_http_exchange;

typedef struct bt_http_options {
  uint32_t concurrency; /* requests in flight at first; 0: 2 */
  /* To which their number grows where the server answers more at once as fast; less than `concurrency`: it does not. */
  uint32_t concurrency_max;
  /* What has been under way for longer keeps no other tenant's first request from being sent, so that what hangs for
   * one holds up nobody else; twice as many as are allowed at most. 0: 5 s */
  int64_t held_ms;
  const char *user_agent; /* NULL: "betrace/VERSION" */
  /* Called for each request when it is finished, by the thread that finishes it; NULL: nobody listens. */
  void (*on_exchange)(void *context, const bt_http_exchange *exchange);
  void *exchange_context;
} bt_http_options;

/* What is asked: latencies are compared with those of the same kind, because a batch of traces takes longer than a
 * search by nature. */
typedef enum bt_http_kind {
  BT_HTTP_OTHER = 0,
  BT_HTTP_SEARCH,
  BT_HTTP_READ,
  BT_HTTP_BY_ID,
  BT_HTTP_EXPORT, /* spans that we send; outside of the budget, eight at once */
  BT_HTTP_KINDS
} bt_http_kind;

/* Whether how long the receiver of spans takes is learned from a request, and whether it waits so long only. */
typedef enum bt_http_wait {
  BT_HTTP_WAIT = 0,   /* for all of its timeout; and teaches nothing */
  BT_HTTP_WAIT_LEARN, /* the same, and teaches */
  BT_HTTP_WAIT_USUAL  /* as long as answers usually take and somewhat more (usual_wait.h), its timeout at most */
} bt_http_wait;

/* All that it points to is borrowed until the request is finished. */
typedef struct bt_http_request {
  const char *method;         /* "GET", "POST", or "DELETE" */
  const char *url;            /* complete, already encoded */
  bt_str body;                /* of POST, or of DELETE */
  const char *const *headers; /* "Name: value"; count of them */
  size_t header_count;
  const char *ca_file;     /* of https: authorities (PEM) to trust besides the system's; or NULL */
  const char *kept_header; /* the answer's header to keep; or NULL */
  size_t max_body_bytes;   /* of the answer after decoding; 0: 256 MiB */
  int64_t timeout_ms;      /* of the transfer; 0: 120,000 */
  bt_http_wait wait;       /* for how much of it */
  int64_t total_ms;        /* with the time in the queue; 0: as long as it takes. Past it BT_UNAVAILABLE */
  bt_http_kind kind;
  bt_priority priority; /* of requests that queue for the budget the higher goes first (http_queue.h) */
  const void *party;    /* whose requests take turns with those of others of the same priority; only compared. NULL: one
                           party too */
  uint64_t tenant;      /* whose data are asked for, as a number; 0: nobody's in particular */
  const bt_cancel *cancel; /* or NULL; looked at every 100 ms at least */
  /* Or NULL. True: what was asked is too much for any answer, which does not say that the server is busy. */
  bool (*is_too_large)(const struct bt_http_response *response);
  const char *traceparent; /* a whole header line; the client sets it itself where the cancel has a span */
} bt_http_request;

typedef struct bt_http_response {
  int status;             /* HTTP status */
  char content_type[128]; /* as sent, "" when there is none */
  char kept_header[512];  /* what that header says; "": it is not there, or longer */
  int64_t retry_after_ms; /* from Retry-After; 0: none */
  int64_t took_ms;        /* the transfer, without the time in the queue; also of one that failed */
  /* From Date, in seconds since 1970, and our steady clock when the transfer began and when that line came. 0: there is
   * none, or the answer lay in somebody's cache (Age). */
  int64_t date_s, asked_ns, came_ns;
  bt_buffer body;
} bt_http_response;

/* new. Starts the thread. BT_UNAVAILABLE: curl cannot be initialised. BT_NO_MEMORY: for a thread, too. */
bt_status bt_http_client_new(const bt_http_options *options, bt_http_client **out, bt_error *error) BT_MUST_CHECK;
/* Ends the thread; no request may be under way. */
void bt_http_client_free(bt_http_client *client);
/* bt_http_send in two steps, for several requests in flight from one thread: start queues it, finish waits for it and
 * frees it. Each call that was started has to be finished; abort (optional, before finish) makes it end with
 * BT_CANCELLED soon. The request struct is copied, what it points to and the response are borrowed until finish. */
typedef struct bt_http_call bt_http_call;
/* *out is new, until finish. BT_NO_MEMORY alone. */
bt_status bt_http_start(bt_http_client *client, const bt_http_request *request, bt_http_response *response,
                        bt_http_call **out, bt_error *error) BT_MUST_CHECK;
void bt_http_abort(bt_http_call *call);
/* Errors are those of bt_http_send. */
bt_status bt_http_finish(bt_http_call *call, bt_error *error) BT_MUST_CHECK;
/* BT_OK: a complete answer of whatever status. BT_UNAVAILABLE: no connection, timeout, cut off in the middle, or an
 * answer of which nobody can say whether it is complete (no length, not chunked; a stream of gzip or zstd without its
 * end). BT_REFUSED: a certificate that cannot be verified, an encoding that was not asked for. BT_LIMIT: the body is
 * larger than allowed. BT_INVALID: not an http or https URL. BT_CANCELLED, BT_NO_MEMORY. The message never holds the
 * URL. Call bt_http_response_dispose in every case. */
bt_status bt_http_send(bt_http_client *client, const bt_http_request *request, bt_http_response *response,
                       bt_error *error) BT_MUST_CHECK;
void bt_http_response_dispose(bt_http_response *response);

/* How requests ended, counted since the client began. */
typedef enum bt_http_outcome {
  BT_HTTP_OK,           /* 2xx and 3xx */
  BT_HTTP_CLIENT_ERROR, /* 4xx but 429 */
  BT_HTTP_THROTTLED,    /* 429 */
  BT_HTTP_SERVER_ERROR, /* 5xx */
  BT_HTTP_UNREACHABLE,  /* no complete answer */
  BT_HTTP_UNUSABLE,     /* too large, a certificate that is not trusted, no memory */
  BT_HTTP_CANCELLED,    /* by us */
  BT_HTTP_OUTCOMES
} bt_http_outcome;
extern const char *const bt_http_outcome_names[BT_HTTP_OUTCOMES];
extern const char *const bt_http_kind_names[BT_HTTP_KINDS];
typedef struct bt_http_stats {
  uint64_t requests[BT_HTTP_KINDS][BT_HTTP_OUTCOMES];
  uint32_t allowed; /* requests at once that the budget allows now */
} bt_http_stats;
void bt_http_client_stats(bt_http_client *client, bt_http_stats *out);
/* Requests at once that the budget allows now, for who asks several parts of something at once. */
uint32_t bt_http_client_allowed(bt_http_client *client);

#endif
