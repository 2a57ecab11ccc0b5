/* A compliance report as one HTML page that prints well: no script, nothing that is loaded, every text escaped by
 * xml.c. It shows the evidence, and is none itself: what is signed is the JSON document. Thread: no state. */
#ifndef BT_SERVER_REPORT_HTML_H
#define BT_SERVER_REPORT_HTML_H

#include <jansson.h>

#include "dsl/base/text.h"

/* Appends the page. out->failed: no memory. A member that is missing is shown as a dash. */
void bt_report_html(const json_t *document, bt_buffer *out);

#endif
