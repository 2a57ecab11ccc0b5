/* A change in words. Thread: no state. */
#ifndef BT_SERVER_QUERY_CHANGED_TEXT_H
#define BT_SERVER_QUERY_CHANGED_TEXT_H

#include "dsl/base/text.h"
#include "server/query/changed.h"

/* Appends one line: what changed, in how many traces, since when and where. Names in it are texts of others. */
void bt_change_write(const bt_changed *changed, const bt_change *change, bt_buffer *out);
/* Appends its two traces, and how much changed with it. */
void bt_change_examples_write(const bt_change *change, bt_buffer *out);

#endif
