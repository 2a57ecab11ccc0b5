/* Links from violations to the page that shows their trace: a URL with places for ids and times, that somebody gives
 * once (--trace-link-template). Thread: install while there is one thread; writing is for any. */
#ifndef BT_SERVER_TRACE_LINK_H
#define BT_SERVER_TRACE_LINK_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "server/replay/violation.h"

enum { BT_TRACE_LINK_BYTES = 2048 };
/* What a template has to be, for messages. */
#define BT_TRACE_LINK_EXPECTED                                                                                         \
  "an http or https URL of printable ASCII with {trace_id} behind its host, and of other places only {span_id}, "      \
  "{start_ms}, {end_ms}, {start_time}, {end_time} (a brace itself is %7B or %7D)"
#define BT_TRACE_LINK_VARIABLE "BETRACE_TRACE_LINK_TEMPLATE"
#define BT_TRACE_LINK_HELP                                                                                             \
  "link to a trace, given with each violation: a URL with {trace_id}, and {span_id}, {start_ms}, {end_ms}, "           \
  "{start_time}, {end_time}"

bool bt_trace_link_is_valid(const char *template);
/* For the whole program; copied. NULL: there are no links. `template` is valid. */
void bt_trace_link_install(const char *template);
/* Appends `before`, the link to the span of the violation that shows it, and `after`; nothing where there are no links.
 * {span_id} is empty where no span of the trace shows it, and the times lie an hour around the violation's. What comes
 * in is hex digits, numbers and times in UTC, so that the link is what the template makes it. */
void bt_trace_link_append(const char *before, const bt_violation *violation, const char *after, bt_buffer *out);

#endif
