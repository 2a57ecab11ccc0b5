/* What an editor is told, as JSON: ranges in bytes and in lines and UTF-16 columns, completions, the language. Thread:
 * no state. What functions return is new; NULL, or a part is missing, for want of memory (json_memory.h). */
#ifndef BT_SERVER_EDITOR_JSON_H
#define BT_SERVER_EDITOR_JSON_H

#include <jansson.h>

#include "dsl/base/text.h"
#include "dsl/syntax/diagnostic.h"
#include "server/editor/completion.h"

/* {start, end, start_line, start_column, end_line, end_column} */
json_t *bt_text_range_json(bt_str text, bt_range range);
/* bt_diagnostics_json with line and column in UTF-16 besides: `position` {start_line, …} of each range. */
json_t *bt_positioned_diagnostics_json(bt_str text, const bt_diagnostics *diagnostics);
/* [{label, kind, insert, detail, doc}] */
json_t *bt_completion_items_json(const bt_completion *completion);
json_t *bt_language_json(void);

#endif
