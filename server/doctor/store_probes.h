/* What doctor asks of one kind of store, and of no other: what it says of itself, how its requests read, and what to
 * set where it shows spans late. Another kind is one more row in store_probes.c. Thread: constant. */
#ifndef BT_SERVER_DOCTOR_STORE_PROBES_H
#define BT_SERVER_DOCTOR_STORE_PROBES_H

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/doctor/doctor_parts.h"
#include "server/doctor/exchange.h"
#include "tempo/wire/http_client.h"

struct bt_store_probes {
  const char *name;        /* as bt_source has it: "tempo" */
  const char *title;       /* for people: "Tempo" */
  const char *cut_setting; /* by which it cuts texts; NULL: it does not */
  bool is_near;            /* its reads of a range look not far beyond it: no probe has a span of 1970 */
  bool has_blocks;         /* what it cuts later, and answers from otherwise then */
  bool tells_doubles;      /* from integers of the same number, which are one to a rule */
  /* What the store says of itself, into the report: its version and its limits. What it does not say stays as it is.
   * Fails only where nothing answers, with the errors of bt_http_send. NULL: nothing. */
  bt_status (*look)(const bt_doctor *doctor, bt_doctor_report *report, bt_error *error);
  /* Facts about how it is run, which need no probe; NULL: none. *is_usable: whether anything else can be asked. Errors
   * as of bt_doctor_run. */
  bt_status (*check)(bt_doctor *doctor, bool *is_usable, bt_error *error);
  /* What a request asks: what, query, range and limit. */
  void (*read_question)(const bt_http_request *request, bt_exchange *made);
  /* Which settings make the wait for late spans shorter: a sentence, behind another. */
  void (*write_late_advice)(const bt_doctor_report *report, bt_buffer *out);
};

extern const bt_store_probes bt_tempo_probes, bt_clickhouse_probes;

#endif
