/* One report that is to be made, with what the service has for it: measured and written in its turn, stamped with a
 * time, and counted. For reports.c alone. Thread: a worker's; it blocks. */
#ifndef BT_SERVER_REPORT_ORDER_H
#define BT_SERVER_REPORT_ORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/measurement.h"
#include "server/compliance/report_span.h"
#include "server/compliance/report_turn.h"
#include "server/compliance/reports.h"
#include "server/memory/account.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef struct bt_report_order { /* all borrowed */
  const bt_reports_options *options;
  bt_report_turns *turns;
  const char *tenant, *report_id, *framework; /* tenant "": none */
  bt_source *source;
  bool is_store_said;
  bt_time_range range;
  uint64_t seed;
  const bt_cancel *cancel;
  void (*progress)(void *context, const bt_measure_progress *so_far);
  void *context;
  bt_memory_hold *hold; /* of the report; its owner's afterwards */
} bt_report_order;

bt_report_turn bt_report_order_turn(const bt_report_order *order);
/* new. The turn is taken with BT_OK, and may be without. Errors are those of bt_report_build. */
bt_status bt_report_order_build(const bt_report_order *order, bt_report_turn *turn, json_t **document,
                                bt_error *error) BT_MUST_CHECK;
/* Where an authority is set. *has_failed: there is no time stamp, and the document says why. BT_NO_MEMORY. */
bt_status bt_report_order_stamp(const bt_report_order *order, json_t *document, bool *has_failed,
                                bt_error *error) BT_MUST_CHECK;
/* Whether the text of an earlier report says the same; without room to read it nobody knows, and it does not. */
bool bt_report_order_says_the_same(const bt_report_order *order, bt_str earlier, const json_t *document);
/* The canonical text. Then the hold is of it and the document. BT_LIMIT: there is no room for it (results_full). */
bt_status bt_report_order_write(const bt_report_order *order, const json_t *document, bt_buffer *text,
                                bt_error *error) BT_MUST_CHECK;
/* document NULL: there is none. */
void bt_report_order_count(const bt_report_order *order, bt_status status, const json_t *document,
                           const bt_report_span_result *span, int64_t duration_ns);

#endif
