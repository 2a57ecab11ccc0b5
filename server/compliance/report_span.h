/* The head of a report as a span in the store: one trace of its own, named betrace.report. Its id is derived from the
 * report's (api.md, Violation spans), so evaluation leaves it out. It puts a time on a head that whoever
 * keeps the file does not own. Thread: the caller's; it blocks. */
#ifndef BT_SERVER_REPORT_SPAN_H
#define BT_SERVER_REPORT_SPAN_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

#define BT_REPORT_FRAMEWORK "betrace.report.framework"
#define BT_REPORT_START     "betrace.report.start"
#define BT_REPORT_END       "betrace.report.end"
#define BT_REPORT_HEAD      "betrace.report.head"
#define BT_REPORT_SIGNATURE "betrace.report.signature"
#define BT_REPORT_ENTRIES   "betrace.report.entries"
#define BT_REPORT_VIOLATED  "betrace.report.controls_violated"
#define BT_REPORT_PASSED    "betrace.report.controls_passed"

typedef struct bt_report_span_result {
  const char *state; /* "sent", "failed", "not_sent" */
  char message[200]; /* why it was not sent */
} bt_report_span_result;

/* exporter or client NULL: not sent. "sent" says that the receiver took it; bt_report_span_find that it is there. */
void bt_report_span_send(bt_http_client *client, const bt_exporter_options *exporter, const json_t *document,
                         const bt_cancel *cancel, bt_report_span_result *out);

typedef enum bt_report_span_state {
  BT_REPORT_SPAN_SAME,
  BT_REPORT_SPAN_OTHER,
  BT_REPORT_SPAN_GONE
} bt_report_span_state;
/* Looks the span of a report up: SAME, there is one with this head; OTHER, one with another head, or other spans in its
 * trace; GONE, none (never sent, or past the source's retention). Not BT_OK: it could not be asked; errors are those of
 * a read, and BT_NO_MEMORY. */
bt_status bt_report_span_find(bt_source *source, const json_t *document, bt_report_span_state *out,
                              bt_error *error) BT_MUST_CHECK;

#endif
