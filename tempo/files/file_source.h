/* The file source: files as traces (the embedded default, CI jobs, rule tests). At the start it decodes everything
 * once, document by document, and keeps an index of where each trace lies (some 60 bytes a trace). Reads decode again
 * what they need. So memory is that of the index and of the largest single document, whatever the files' size. Files
 * must not change while the source is open. It knows formats by content, not by name (docs/reference/files.md).
 * What is packed or comes through a pipe is kept unpacked, past 16 MiB in a temporary file (file_content.h). Spans of
 * one trace in several files become one trace. BeTrace's own traces (own_trace.h, of no tenant) are left out. Thread:
 * immutable once opened; any may search and read. */
#ifndef BT_TEMPO_FILES_FILE_SOURCE_H
#define BT_TEMPO_FILES_FILE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/files/file_account.h"
#include "tempo/wire/source.h"

/* new. A file that cannot be read or decoded is an error that names the file and the place; nothing is skipped in
 * silence. BT_IO: it cannot be opened or read. BT_INVALID: it is no OTLP, damaged or cut off. BT_LIMIT: it, or what is
 * in it, is larger than allowed. BT_NO_MEMORY. max_bytes: of unpacked input in all; 0: none for regular files, 8 GiB
 * for each that has to be unpacked or comes through a pipe. */
bt_status bt_file_source_open(const char *const *paths, size_t count, uint64_t max_bytes, bt_source **out,
                              bt_error *error) BT_MUST_CHECK;
typedef struct bt_file_opening {
  unsigned jobs;                              /* threads */
  void (*show)(void *context, double so_far); /* on the calling thread, from 0 to 1, part by part; or NULL */
  void *context;
  /* Whoever opens it tells people what bt_file_source_account has. Then a last document or message that is cut off is
   * left out where others before it are whole, and so are spans without an id, and documents of other signals. Traces
   * that lack such spans are `partial`, as far as their ids are known. Else all of it is BT_INVALID. */
  bool leaves_out;
  /* Of each file, whether it was found in a folder: then it need not be traces. One that is empty is passed over, and
   * one that is neither JSON nor protobuf is left out. NULL: of none. */
  const bool *is_found;
} bt_file_opening;
/* new. The same with the same errors, without a maximum, on so many threads, and so are its reads: the answers are the
 * same.
 */
bt_status bt_file_source_open_wide(const char *const *paths, size_t count, const bt_file_opening *how, bt_source **out,
                                   bt_error *error) BT_MUST_CHECK;
const bt_file_account *bt_file_source_account(const bt_source *source);
size_t bt_file_source_trace_count(const bt_source *source);
/* From the earliest start of a span to just past the latest; [0, 1) without traces. */
bt_time_range bt_file_source_range(const bt_source *source);
/* Every trace once, in the order of the files; read->index is its number in order of id. Errors as of a read. */
bt_status bt_file_source_each(bt_source *source, bt_read_sink sink, void *context, bt_error *error) BT_MUST_CHECK;

/* What is done with every trace, on as many threads as the source was opened with. */
typedef struct bt_file_visitor {
  size_t most_traces; /* of a part; 0: as many as suit the source */
  /* On any thread, trace by trace in the order of the files. `place` is below bt_file_source_places; one part has it at
   * a time. */
  bt_status (*look)(void *context, size_t place, const bt_read_trace *read, bt_error *error);
  /* On the calling thread, part by part in the order of the files, once all of it was looked at, or looking failed. */
  bt_status (*tell)(void *context, size_t place, bt_error *error);
  void *context;
} bt_file_visitor;
size_t bt_file_source_places(const bt_source *source);
/* The first failure in the order of the files ends it. Errors as of a read. */
bt_status bt_file_source_visit(bt_source *source, const bt_file_visitor *visitor, bt_error *error) BT_MUST_CHECK;
/* The trace with that number in order of id: borrowed until the next call of this function, which one thread alone may
 * use. Errors are those of a read. */
bt_status bt_file_source_trace(bt_source *source, size_t index, const bt_trace **out, bt_error *error) BT_MUST_CHECK;

#endif
