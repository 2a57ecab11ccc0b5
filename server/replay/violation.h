/* A violation as it is reported (api.md, Violations): what happened, where, when, and the spans that show it. Owned
 * strings only, so that it outlives the trace. Thread: immutable once made. */
#ifndef BT_SERVER_VIOLATION_H
#define BT_SERVER_VIOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/plan/plan.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/own_trace.h"

typedef struct bt_violation_witness {
  bt_span_id span_id;
  uint32_t trace; /* 0: the violating one; else the number of another one of its family: */
  bt_trace_id trace_id;
  char *binding;              /* name of the binding, or NULL */
  char *name, *service;       /* of the span; service "" where there is none */
  int64_t start_ns, end_ns;   /* of the span, as it says them: 0 is not known (server/base/span_time.h) */
  bool differs_in_length;     /* its records are not all as long: the times are those of one of them */
  bt_range range;             /* of the selector in the rule's text */
  bt_string_pair *attributes; /* those that the rule compares, values as text; without what its records differ in */
  size_t attribute_count;
} bt_violation_witness;

typedef struct bt_violation_choice {
  bt_violation_witness *witnesses;
  size_t witness_count;
  bt_range failed;   /* the clause that failed */
  bt_sides measured; /* as in bt_choice */
} bt_violation_choice;

typedef struct bt_violation {
  bt_trace_id id; /* derived: first 16 bytes of SHA-256(tenant, rule id, condition hash, violating trace id) */
  bt_span_id emit_span_id, retract_span_id; /* the next 8 and the following 8 bytes */
  bt_trace_id trace_id;                     /* the violating trace */
  bt_span_id span_id;             /* the earliest witness of the first choice; zero when there is none in this trace */
  int64_t time_ns;                /* its start; where there is none, or it is 0, the trace's earliest */
  char *root_service, *root_name; /* "" when there is no root */
  bool has_root;   /* else that is a span whose parent is not there, so nobody knows where the trace begins */
  char **services; /* distinct, sorted */
  size_t service_count;
  char *message; /* a sentence, at most 256 bytes of UTF-8 */
  bool confirmed_by_id, missing_parents, provisional /* in the unsettled tail: not emitted */;
  bool rests_on_no_link; /* as in bt_rule_verdict */
  bt_violation_choice *choices;
  size_t choice_count;
  uint64_t choice_total;
} bt_violation;

/* What such a violation rests on, in the words of every answer and of violation spans. */
#define BT_RESTS_ON_NO_LINK "no linked trace"

/* The time that a violation of this verdict is reported with. */
int64_t bt_violation_time(const bt_trace *trace, const bt_rule_verdict *verdict);
/* new. Of each witness the attributes that the rule reads are kept, of the span as `k`, of the resource as
 * `resource.k`. The sentence says which span, with which of these values, and which clause. Not set:
 * confirmed_by_id, provisional. BT_NO_MEMORY alone. */
bt_status bt_violation_new(const bt_rule_definition *definition, const char *tenant, const bt_trace *trace,
                           const bt_rule_verdict *verdict, bt_violation **out, bt_error *error) BT_MUST_CHECK;
/* One that was sent before, with what is known of it: enough to take it back. */
typedef struct bt_violation_record {
  bt_trace_id id, trace_id;
  bt_span_id emit_span_id, retract_span_id, span_id;
  int64_t time_ns;
  bt_str message;
} bt_violation_record;
/* new. BT_NO_MEMORY alone. */
bt_status bt_violation_restore(const bt_violation_record *record, bt_violation **out, bt_error *error) BT_MUST_CHECK;
void bt_violation_free(bt_violation *violation); /* NULL is fine */
/* How much memory it holds. */
size_t bt_violation_bytes(const bt_violation *violation);

/* ---- ids ----
 * They are derived from what a violation is about (api.md, Violation spans), so that the same violation has the same
 * id in every run. The layout of what is hashed is that of tempo/wire/own_trace.h over server/base/sha256.h: four
 * fields, each as its length in 8 bytes, big-endian, and then its bytes: the tenant ("" without one), the rule's id,
 * the condition hash in lower-case hex, the violating trace's id in 32 digits of lower-case hex. Bytes 0 to 15 of
 * the hash are the violation's id (and its trace's in the source), 16 to 23 its span's, 24 to 31 those of the span
 * that takes it back. Thread: any. */

/* Gives tempo/wire/own_trace.h its digest. A program calls it first of all, so that sources know BeTrace's own
 * traces from the start; any number of calls does the same as one. */
void bt_violation_ids_install(void);
/* BT_NO_MEMORY alone. */
bt_status bt_violation_ids_derive(bt_str tenant, bt_str rule_id, bt_str condition_hash, const bt_trace_id *violating,
                                  bt_own_ids *out, bt_error *error) BT_MUST_CHECK;

/* ---- what it says in words ---- */

enum { BT_MESSAGE_BYTES = 256, BT_WITNESS_VALUE_BYTES = 1024 };

/* Of which clause the failed part is: "always", "never", or "condition" of a rule without clauses. */
const char *bt_violation_clause(const bt_rule *rule, bt_range failed);
/* Appends what a choice lacks, or has and must not have: `no fraud-check in this trace`. One line without control
 * characters: CLI, API, spans and pages all show these words (dsl/rule/rule_sentence.h). */
void bt_violation_say_failure(const bt_rule *rule, const bt_violation_choice *choice, bt_buffer *out);
/* The attribute that a projected field means on that span; NULL: it is not there. */
const bt_value *bt_witness_value(const bt_span *span, const bt_projected *field);
/* Appends the value as text; arrays as [a, b]. */
void bt_witness_value_write(const bt_value *value, bt_buffer *out);
/* The longest beginning of text that has at most `bytes` bytes and ends between characters. */
bt_str bt_text_cut(bt_str text, size_t bytes);

#endif
