/* What a receiver of OTLP/HTTP answers: ExportTraceServiceResponse and google.rpc.Status, in the encoding of the
 * request. Thread: no state. */
#ifndef BT_TEMPO_WIRE_OTLP_ANSWER_H
#define BT_TEMPO_WIRE_OTLP_ANSWER_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "tempo/wire/otlp_export.h"

/* Appends what was taken: a partial success where spans were rejected. No memory: out->failed. */
void bt_otlp_write_taken(const bt_export_result *result, bool as_json, bt_buffer *out);
/* Appends why nothing was taken. code: of google.rpc.Code; message: UTF-8. No memory: out->failed. */
void bt_otlp_write_refusal(int code, const char *message, bool as_json, bt_buffer *out);

#endif
