/* The traces that a request brings along in its body: the one that is judged, and the others that links may tie to it.
 * Thread: a request's worker. */
#ifndef BT_SERVER_HTTP_BODY_TRACES_H
#define BT_SERVER_HTTP_BODY_TRACES_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/http/call.h"
#include "tempo/wire/otlp_decoder.h"

typedef struct bt_body_traces { /* zero: nothing was read. bt_body_traces_dispose */
  const bt_trace *own;          /* set by reading, as the family is; both borrowed from the batches */
  const bt_family *family;      /* NULL: nobody says what is linked to it */
  char *own_text, *others_text;
  bt_span_batch *own_batch, *others_batch;
  bt_family_trace *traces;
  bt_family kept;
} bt_body_traces;

/* trace, others: objects of OTLP JSON, the first with the spans of one trace. others: NULL, or the spans of all other
 * traces that there are, 1000 traces at most, so that a family without any says that none is linked to it. What is
 * wrong in them is added to the errors of their fields, and then nothing is set. BT_LIMIT: more memory than a request
 * may take. BT_NO_MEMORY. */
bt_status bt_body_traces_read(json_t *trace, json_t *others, bt_body_traces *out, bt_field_errors *errors,
                              bt_error *error) BT_MUST_CHECK;
void bt_body_traces_dispose(bt_body_traces *traces);

#endif
