/* Traces read back from the files that they lie in. Many are read at once in the order of the files. The units that a
 * group of traces needs are decoded together, so a unit with spans of a hundred traces is decoded a few times and not a
 * hundred times. Memory is that of a group (some MiB of units), whatever the files' size. Thread: any; a set is
 * immutable once it is filled. Only tempo/ includes this. Errors: BT_IO: a file cannot be read or is another than it
 * was. BT_INVALID: it cannot be decoded any more. BT_LIMIT: a group needs more memory than it may have. BT_CANCELLED,
 * BT_NO_MEMORY, or what the sink or visitor returned. */
#ifndef BT_TEMPO_FILES_FILE_READER_H
#define BT_TEMPO_FILES_FILE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/files/file_content.h"
#include "tempo/files/file_index.h"
#include "tempo/files/file_source.h"
#include "tempo/files/file_units.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/passed_over.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/source.h"

typedef struct bt_trace_file {
  char *name; /* for messages */
  bt_file_content *content;
  bt_file_format format;
} bt_trace_file;

typedef struct bt_file_set {
  bt_trace_file *files;
  size_t count;
  bt_file_index index;
  bool leaves_out;       /* what can be left out of units is */
  bt_passed_over passed; /* of all files; once they are read, its traces are in order */
  unsigned jobs;         /* threads that decode for one read, the reader's among them; 0 is 1 */
} bt_file_set;

typedef struct bt_file_wanted {
  const bt_indexed_trace *trace;
  size_t index; /* for the sink */
} bt_file_wanted;

/* Several groups are decoded at once where the set has several jobs; the sink is the calling thread's. Gives each to
 * the sink once, in the order of the files (`wanted` is put in that order). BT_IO: a file cannot be read, or is another
 * than it was when it was indexed. What the sink returns, BT_CANCELLED, BT_NO_MEMORY, BT_LIMIT (a single trace takes
 * too much memory). */
bt_status bt_file_read(const bt_file_set *set, bt_file_wanted *wanted, size_t count, const bt_cancel *cancel,
                       bt_read_sink sink, void *context, bt_error *error) BT_MUST_CHECK;

/* The same with what is done on several threads. */
bt_status bt_file_visit(const bt_file_set *set, bt_file_wanted *wanted, size_t count, const bt_file_visitor *visitor,
                        bt_error *error) BT_MUST_CHECK;

/* One trace, held: all-zero is none. */
typedef struct bt_held_trace {
  bt_span_batch *batch;
  char *bytes;
} bt_held_trace;
/* *out is owned by `held`. */
bt_status bt_file_hold(const bt_file_set *set, const bt_indexed_trace *trace, bt_held_trace *held, const bt_trace **out,
                       bt_error *error) BT_MUST_CHECK;
void bt_held_trace_dispose(bt_held_trace *held);

/* So much memory the decoding of so many bytes may take. */
size_t bt_file_decode_cap(uint64_t bytes);
/* `inner` with the file's name before it; gives its status. */
bt_status bt_file_name_error(const char *name, const bt_error *inner, bt_error *error);

#endif
