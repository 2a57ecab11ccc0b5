/* Spans that are pushed, whoever pushes them: read, and passed on to the OTLP endpoint byte for byte, or kept in the
 * memory source. Each door answers in its own form. Thread: one at a time. */
#ifndef BT_SERVER_HTTP_PUSH_H
#define BT_SERVER_HTTP_PUSH_H

#include <stdbool.h>

#include "server/http/call.h"
#include "server/http/service.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_export.h"

typedef enum bt_push_door { BT_DOOR_SPANS, BT_DOOR_OTLP, BT_DOOR_ZIPKIN } bt_push_door;

typedef struct bt_push {
  const bt_service *service;
  bt_call *call;
  bt_push_door door;
  bt_buffer unpacked, encoded; /* owned; empty when not needed */
  bt_export_document document;
  bt_span_batch *batch;
  bt_passed_over passed; /* what a door left out that may do so */
} bt_push;

/* Whether the body is OTLP in protobuf, by its type. */
bool bt_push_is_protobuf(const bt_call *call);
/* Takes the spans of the call. False: it answered with a problem, and nothing was kept here. Else *result says what was
 * accepted and what was not, and why. */
bool bt_push_take(bt_push *push, bt_export_result *result);
void bt_push_dispose(bt_push *push);

#endif
