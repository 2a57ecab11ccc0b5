/* A change in words. What others wrote is in it as it can be shown, so that every line end is ours. Thread: no state.
 */
#ifndef BT_SERVER_QUERY_CHANGED_TEXT_H
#define BT_SERVER_QUERY_CHANGED_TEXT_H

#include "dsl/base/text.h"
#include "server/query/changed.h"

/* Appends one line: what changed, in how many traces, since when and where. */
void bt_change_write(const bt_changed *changed, const bt_change *change, bt_buffer *out);
/* Appends its two traces, and how much changed with it. */
void bt_change_examples_write(const bt_change *change, bt_buffer *out);
/* Appends the lines before the changes: how the sides were chosen, how many traces were compared, and in what the
 * baseline was made like the candidate. */
void bt_changed_head_write(const bt_changed *changed, bt_buffer *out);
/* Appends the lines behind the changes: what did not change, or is not known, and what was left out. */
void bt_changed_end_write(const bt_changed *changed, bt_buffer *out);

#endif
