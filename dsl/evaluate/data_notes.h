/* What a rule's names and comparisons met in data. One kind is a bare name that selected spans by name and by service.
 * The second is an attribute that had, in some spans, a value that its test can make nothing of. That is a text that
 * reads as no number against a number, a map, bytes, a list of maps. Or it is a text that may have been cut and leaves
 * the test open. Others are an attribute that was met by another of its names than the rule says (met_names.h), and a
 * comparison of two spans that both lack it (missing_pairs.h). The last are verdicts that hang on starts of one
 * millisecond (eval.h), and a name that no trace has (absent_names.h). No verdict depends on it: it tells the author
 * what the checker, without data, cannot. Memory: the notes own what they count and borrow the rule. Thread: one at a
 * time. */
#ifndef BT_DSL_EVALUATE_DATA_NOTES_H
#define BT_DSL_EVALUATE_DATA_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

typedef struct bt_data_notes bt_data_notes;

/* *out is new; the rule outlives it. BT_NO_MEMORY alone. */
bt_status bt_data_notes_new(const bt_rule *rule, bt_data_notes **out, bt_error *error) BT_MUST_CHECK;
void bt_data_notes_free(bt_data_notes *notes);
/* For who looks at some traces only, or at parts of them: absent names are not said then. */
void bt_data_notes_are_of_some(bt_data_notes *notes);
/* Counts the spans of one trace. */
void bt_data_notes_look(bt_data_notes *notes, const bt_trace *trace);
/* Counts what the rule said of one trace; not that it is not applicable. */
void bt_data_notes_take(bt_data_notes *notes, const bt_rule_verdict *verdict);
/* Its halves, for who says it later than it was found: with whose starts it hung together, and whether it did. */
void bt_data_notes_name_tied(bt_data_notes *notes, const bt_rule_verdict *verdict);
void bt_data_notes_count_verdict(bt_data_notes *notes, bool hangs_on_ties);
/* Counts what other notes of the same rule counted. */
void bt_data_notes_add(bt_data_notes *notes, const bt_data_notes *others);
/* Note number i, in the order of the text, and then those of other files: appends one sentence to `out` and gives its
 * place. False: there are no more. */
bool bt_data_notes_say(const bt_data_notes *notes, size_t i, bt_buffer *out, bt_range *place);

#endif
