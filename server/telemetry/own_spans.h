/* Spans of BeTrace itself: one for each call, and one below it for each question that the call asks. They wait in a
 * queue that is bounded, and a thread of its own sends them, so that a receiver that hangs holds up nobody. Sending is
 * no call and no question, so it makes no spans. Thread: any may add; a queue that is full drops, and counts. */
#ifndef BT_SERVER_TELEMETRY_OWN_SPANS_H
#define BT_SERVER_TELEMETRY_OWN_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/trace_context.h"

struct bt_http_client;
struct bt_http_exchange;
struct bt_exporter_options;

/* Room for a name or an address; what is longer is cut. */
enum { BT_OWN_TEXT = 128 };

typedef struct bt_own_span {
  bt_trace_context context;
  bt_span_id parent; /* all-zero: it is a root */
  bt_span_kind kind;
  int64_t start_ns, end_ns;
  const char *method, *route; /* of the program's own texts; route NULL: it is a question */
  const char *failure;        /* why there is no answer, a stable word; or NULL */
  int status;                 /* of HTTP; 0: there is none */
  const char *question;       /* its kind; NULL: it is a call */
  char address[BT_OWN_TEXT];  /* the host that it was put to */
  int port;                   /* 0: not said */
} bt_own_span;

typedef struct bt_own_spans bt_own_spans;

/* new. Starts the thread; the client and the exporter are borrowed. BT_NO_MEMORY; BT_LIMIT: no thread. */
bt_status bt_own_spans_new(struct bt_http_client *client, const struct bt_exporter_options *exporter,
                           const char *version, bt_own_spans **out, bt_error *error) BT_MUST_CHECK;
/* Ends the thread; what still waits is lost. NULL is fine. */
void bt_own_spans_free(bt_own_spans *spans);

/* Never waits for anything but a copy, and never allocates. NULL, or a span that is not kept: does nothing. */
void bt_own_spans_add(bt_own_spans *spans, const bt_own_span *span);
/* on_exchange of the client whose questions are to be seen. */
void bt_own_spans_take(void *spans, const struct bt_http_exchange *exchange);

typedef enum bt_own_outcome {
  BT_OWN_SENT,    /* the receiver took them */
  BT_OWN_FAILED,  /* it did not, or did not answer */
  BT_OWN_DROPPED, /* the queue was full */
  BT_OWN_OUTCOMES
} bt_own_outcome;
extern const char *const bt_own_outcome_names[BT_OWN_OUTCOMES];
/* NULL: 0. */
uint64_t bt_own_spans_count(bt_own_spans *spans, bt_own_outcome outcome);

#endif
