/* Writing down a real trace for a rule's test (dsl.md §8), with the attributes that were not asked for left out.
 * Thread: no state. */
#ifndef BT_SERVER_CLI_LAB_TRACE_RECORD_H
#define BT_SERVER_CLI_LAB_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/family.h"
#include "server/json/otlp_document.h"

/* Appends the spans of a trace of the family as the items of a test's `trace:`, or of one of its `others:`, one line
 * each after `indent` blanks. Times count from the start of the earliest trace, and links to the others have their
 * names. Ids, names, services, kinds, statuses and times are always kept. A span id that two spans share cannot be said
 * in this form: *has_halves is set then, and else as it was. */
void bt_trace_record_yaml(const bt_family *family, uint32_t trace, bt_redaction *redaction, unsigned indent,
                          bool *has_halves, bt_buffer *out);
/* What `others:` calls a trace of the family: linked-1 for that with the number 1. */
enum { BT_LINKED_NAME_BYTES = 24 };
void bt_trace_record_name(uint32_t trace, char out[BT_LINKED_NAME_BYTES]);
/* Reads a rule file and runs its tests: BT_OK when there are `tests` of them and all pass. BT_REFUSED: the message says
 * which verdict came. BT_INVALID: it is no rule file. BT_LIMIT: a trace is too large to judge. BT_NO_MEMORY. */
bt_status bt_recorded_verify(bt_str file, size_t tests, bt_error *error) BT_MUST_CHECK;

#endif
