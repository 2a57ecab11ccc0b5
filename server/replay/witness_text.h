/* What a violation says in words: values of attributes as text, and the sentence. Only violation.c and the JSON of
 * report/ include this. Thread: no state. */
#ifndef BT_SERVER_REPLAY_WITNESS_TEXT_H
#define BT_SERVER_REPLAY_WITNESS_TEXT_H

#include "dsl/plan.h"
#include "server/replay/violation.h"

enum { BT_MESSAGE_BYTES = 256, BT_WITNESS_VALUE_BYTES = 1024 };

/* The attribute that a projected field means on that span; NULL: it is not there. */
const bt_value *bt_witness_value(const bt_span *span, const bt_projected *field);
/* Appends the value as text; arrays as [a, b]. */
void bt_witness_value_write(const bt_value *value, bt_buffer *out);
/* The longest beginning of text that has at most `bytes` bytes and ends between characters. */
bt_str bt_text_cut(bt_str text, size_t bytes);
/* The sentence: `checkout (checkout-service): no fraud-check in this trace`. `witness` may be NULL. Control characters
 * become blanks, what is not UTF-8 becomes `?`; the caller cuts it to length. */
void bt_violation_sentence(const bt_rule *rule, const bt_violation_witness *witness, const bt_range *failed,
                           const bt_value *measured, bt_buffer *out);

#endif
