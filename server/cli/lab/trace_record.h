/* Writing down a real trace for a rule's test (dsl.md §8), with the attributes that were not asked for left out.
 * Thread: no state. */
#ifndef BT_SERVER_CLI_LAB_TRACE_RECORD_H
#define BT_SERVER_CLI_LAB_TRACE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/error.h"
#include "dsl/text.h"
#include "dsl/trace.h"
#include "server/rules/rule_keys.h"

typedef struct bt_redaction {
  const bt_rule_keys *read; /* kept: what the rules read */
  const char *const *kept;  /* and attributes with these keys, wherever they stand; kept_count of them */
  size_t kept_count;
  bool keeps_all;
  uint64_t left_out; /* attributes that were not written; counted while writing */
} bt_redaction;

/* Appends the spans as the items of a test's `trace:`, one line each after `indent` blanks. Ids, names, services,
 * kinds, statuses and times are always kept. A span id that two spans share cannot be said in this form: *has_halves.
 */
void bt_trace_record_yaml(const bt_trace *trace, bt_redaction *redaction, unsigned indent, bool *has_halves,
                          bt_buffer *out);
/* A new OTLP JSON document. NULL: no memory. */
json_t *bt_trace_record_otlp(const bt_trace *trace, bt_redaction *redaction);
/* Reads a rule file and runs its tests: BT_OK when there are `tests` of them and all pass. BT_REFUSED: the message says
 * which verdict came. */
bt_status bt_recorded_verify(bt_str file, size_t tests, bt_error *error) BT_MUST_CHECK;

#endif
