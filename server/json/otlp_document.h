/* Traces as OTLP JSON, with the attributes that were not asked for left out. Thread: no state. */
#ifndef BT_SERVER_OTLP_DOCUMENT_H
#define BT_SERVER_OTLP_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/trace/family.h"
#include "server/rules/rule_keys.h"

typedef struct bt_redaction {
  const bt_rule_keys *read; /* kept: what the rules read */
  const char *const *kept;  /* and attributes with these keys, wherever they stand; kept_count of them */
  size_t kept_count;
  bool keeps_all;
  bool keeps_fractions; /* of a millisecond, in times from the start of a test: rules ask which clocks write none */
  uint64_t left_out;    /* attributes that were not written; counted while writing */
} bt_redaction;

/* Whether that attribute is written, with what was left out counted. */
bool bt_redaction_writes(bt_redaction *redaction, bt_field_kind kind, const bt_attributes *attributes, uint32_t index);
bool bt_redaction_keeps_message(bt_redaction *redaction, const bt_span *span);
/* The members of the trace state that rules ask for; all of it where a vendor stands twice. */
void bt_redaction_append_state(bt_redaction *redaction, bt_str state, bt_buffer *out);

/* What a span says of itself in numbers, which no rule file and no OTLP leaves out where it is not 0. */
typedef struct bt_carried_number {
  const char *yaml, *json;
  uint32_t number;
} bt_carried_number;

enum { BT_CARRIED_NUMBERS = 4 };

void bt_carried_numbers(const bt_span *span, bt_carried_number out[BT_CARRIED_NUMBERS]);

/* A new OTLP JSON document with all the family's traces. NULL: no memory. */
json_t *bt_otlp_document_json(const bt_family *family, bt_redaction *redaction);
/* A family of that trace alone. */
#define BT_ALONE(trace_of_it) (&(bt_family){.traces = &(bt_family_trace){.trace = (trace_of_it)}, .trace_count = 1})

#endif
