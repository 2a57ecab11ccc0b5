/* BeTrace's own traces: how their ids are derived, and how a source recognises them. One place for both keeps them
 * alike (api.md, Violation spans). The ids are SHA-256 over fields. This folder does not link libcrypto, so the program
 * gives the function once, before it starts threads. Thread: any, after that. */
#ifndef BT_TEMPO_WIRE_OWN_TRACE_H
#define BT_TEMPO_WIRE_OWN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/source.h"

/* SHA-256 of the fields, each with its length before it (server/base/sha256.h). False: no memory. */
typedef bool (*bt_own_digest)(const bt_str *fields, size_t count, uint8_t digest[32]);

void bt_own_trace_use(bt_own_digest digest);

#define BT_OWN_SERVICE   "betrace"
#define BT_OWN_VIOLATION "betrace.violation"
#define BT_OWN_WATCH     "betrace.watch"
#define BT_OWN_REPORT    "betrace.report"
/* The attributes that ids are made of, all of them strings. */
#define BT_OWN_RULE_ID        "betrace.violation.rule_id"
#define BT_OWN_CONDITION_HASH "betrace.violation.condition_hash"
#define BT_OWN_TRACE_ID       "betrace.violation.trace_id" /* 32 hex digits, lower case */
#define BT_OWN_UNTIL          "betrace.watch.until"
#define BT_OWN_REPORT_ID      "betrace.report.id"
/* How many violations a span stands for: 1, of what takes one back 0, and of a checkpoint 0 while watch looks. TraceQL
 * metrics say a 0 only where a span says it: so their sums tell "none" from "nobody looks". */
#define BT_OWN_COUNT "betrace.violation.count"

typedef struct bt_own_ids {
  bt_trace_id trace_id;
  bt_span_id span_id, retraction_id; /* of the span, and of a second one that takes it back */
} bt_own_ids;

/* False: no memory (or no digest was given). */
bool bt_own_violation_ids(bt_str tenant, bt_str rule_id, bt_str condition_hash, const bt_trace_id *violating,
                          bt_own_ids *out);
/* Of a checkpoint (name BT_OWN_WATCH, key: its until) or a report (BT_OWN_REPORT, its id), each as in its attribute. */
bool bt_own_record_ids(bt_str tenant, bt_str name, bt_str key, bt_own_ids *out);

/* Whether it is a trace that BeTrace sent for that tenant ("" : none; of "a|b" any): one or two spans, all of service
 * betrace, with one of the three names, and with ids that are the derived ones. */
bool bt_trace_is_own(const bt_trace *trace, bt_str tenant);
/* Whether it could be one, as far as its names say: a projection seldom holds the attributes that prove it, and some
 * not the service. */
bool bt_trace_may_be_own(const bt_trace *trace);
/* ---- searches for them, by name: a suspect is not yet one of them ---- */

typedef enum bt_own_kind { BT_OWN_VIOLATIONS, BT_OWN_CHECKPOINTS, BT_OWN_REPORTS, BT_OWN_ANY } bt_own_kind;
bt_query bt_own_traces_query(bt_own_kind kind);
/* Every trace but those: they have spans of these names only. */
bt_query bt_other_traces_query(void);
/* Drops those that are too large for one of BeTrace's own: a trace of many spans, one of them under our names, need not
 * be read to know. */
void bt_found_list_keep_own(bt_found_list *list);

#endif
