/* The other reports that a source knows of: every report that was made with an OTLP endpoint left a `betrace.report`
 * span there. Whoever holds the key can make a report anew under another id, or make ten and show one; the spans of the
 * others are what tells. Thread: the caller's. */
#ifndef BT_SERVER_OTHER_REPORTS_H
#define BT_SERVER_OTHER_REPORTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

enum { BT_OTHER_REPORTS_NAMED = 20, BT_OTHER_REPORTS_MAX = 2000, BT_OTHER_REPORT_TEXT = 80 };

typedef struct bt_other_report {
  char report_id[BT_OTHER_REPORT_TEXT], start[BT_OTHER_REPORT_TEXT], end[BT_OTHER_REPORT_TEXT],
      head[BT_OTHER_REPORT_TEXT];
  int64_t made_at_ns;
  int64_t entries, controls_violated, controls_passed;
  bool is_same_range;
} bt_other_report;

typedef struct bt_other_reports {
  size_t count;      /* of the same framework and tenant, over a part of the report's range; 0 also where not known: */
  bool is_unknown;   /* could not be asked in full, or there are more than BT_OTHER_REPORTS_MAX */
  size_t same_range; /* of count: over exactly the report's range */
  bt_other_report items[BT_OTHER_REPORTS_NAMED]; /* the first of them, those of the same range before the others */
  size_t named;
} bt_other_reports;

/* BT_OK also where the source could not be asked: then is_unknown. BT_INVALID: the document has no range. BT_NO_MEMORY.
 */
bt_status bt_report_find_others(bt_source *source, const json_t *document, bt_other_reports *out,
                                bt_error *error) BT_MUST_CHECK;
json_t *bt_other_reports_json(const bt_other_reports *others); /* new; NULL: no memory */

/* What a span says of a report. Texts are the span's, borrowed for the call. */
typedef struct bt_report_in_span {
  bt_str report_id, framework, head, signature;
  int64_t made_at_ns;
} bt_report_in_span;

typedef struct bt_report_spans {
  bt_source *source;
  const char *tenant; /* "": none */
  bt_time_range range;
  const bt_cancel *cancel; /* or NULL */
  void (*look)(void *context, const bt_report_in_span *one);
  void *context;
} bt_report_spans;
/* Shows the spans of reports of this tenant in the range, in any order. *is_whole: all of them were. Errors are those
 * of the source. */
bt_status bt_report_spans_read(const bt_report_spans *request, bool *is_whole, bt_error *error) BT_MUST_CHECK;

#endif
