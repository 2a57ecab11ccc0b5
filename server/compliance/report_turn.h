/* Turns of reports: between naming the report before and being the last one itself, no other report is written, so that
 * two that are made at once do not both name the same one. Thread: every function from any thread; a turn is one
 * thread's. Errors: BT_CANCELLED, BT_NO_MEMORY. */
#ifndef BT_SERVER_REPORT_TURN_H
#define BT_SERVER_REPORT_TURN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/evidence.h"
#include "server/compliance/previous_report.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef struct bt_report_turns bt_report_turns;
bt_report_turns *bt_report_turns_new(void); /* new; NULL: no memory */
void bt_report_turns_free(bt_report_turns *turns);

typedef struct bt_report_turn { /* zero but for what the caller sets */
  bt_report_turns *turns;
  const char *tenant; /* "": none */
  bt_source *source;
  const bt_evidence_key *key; /* NULL: unsigned */
  const bt_evidence_keys *older_keys;
  bool sends_spans;      /* so that earlier reports may have left some in the store */
  int64_t started_at_ns; /* of this process */
  int64_t range_ns;      /* of the report: as far back as the store is asked, and 8 days at least */
  const bt_cancel *cancel;
  bool is_taken;
} bt_report_turn;

/* For bt_report_request.name_previous; context: a bt_report_turn. Takes the turn with BT_OK: then it has to be ended.
 */
bt_status bt_report_turn_take(void *context, bt_str framework, bt_previous_report *out, bt_error *error) BT_MUST_CHECK;
/* document: the report, which is the last one of its framework and tenant from now on, also when it is deleted; NULL:
 * there is none. Nothing happens where the turn was not taken. */
bt_status bt_report_turn_end(bt_report_turn *turn, const json_t *document, bt_error *error) BT_MUST_CHECK;

#endif
