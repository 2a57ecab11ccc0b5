/* Lines about traces, kept until all are there and then told in the order of the traces: by start, then by id, whatever
 * order they came in. Past 64 MiB the text lies in a temporary file without a name (in TMPDIR, or /tmp), so that
 * memory stays at some 40 bytes a trace. Thread: one at a time. */
#ifndef BT_SERVER_CLI_LINE_STORE_H
#define BT_SERVER_CLI_LINE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

typedef struct bt_stored_lines {
  bt_trace_id id; /* of the trace that they are about */
  int64_t start_ns;
  uint64_t offset; /* bytes, in the text of all */
  size_t length;   /* bytes */
} bt_stored_lines;

typedef struct bt_line_store { /* BT_LINE_STORE_EMPTY: empty */
  bt_stored_lines *items;
  size_t count, capacity;
  uint64_t bytes;   /* of text, so far */
  bt_buffer recent; /* its end, which is in memory */
  int descriptor;   /* of the file with what came before; −1: there is none */
} bt_line_store;
#define BT_LINE_STORE_EMPTY ((bt_line_store){.descriptor = -1})

/* Takes a copy of the text, in memory; of one trace several come in the order in which they were added. BT_NO_MEMORY
 * alone. */
bt_status bt_line_store_add(bt_line_store *store, const bt_trace *trace, bt_str text, bt_error *error) BT_MUST_CHECK;
/* Moves everything of `from`, which is in memory, to the end of `to`. BT_IO: it does not fit into the temporary file,
 * or there can be none. BT_INVALID: TMPDIR is too long. BT_NO_MEMORY. */
bt_status bt_line_store_move(bt_line_store *to, bt_line_store *from, bt_error *error) BT_MUST_CHECK;
/* Gives all of it to the sink, in the order of the traces. BT_IO: the temporary file cannot be read. BT_NO_MEMORY, or
 * what the sink returns. */
typedef bt_status (*bt_line_sink)(void *context, bt_str lines, bt_error *error);
bt_status bt_line_store_give(bt_line_store *store, bt_line_sink sink, void *context, bt_error *error) BT_MUST_CHECK;
void bt_line_store_dispose(bt_line_store *store);

#endif
