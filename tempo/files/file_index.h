/* Where the traces of files lie: for each trace its bounds and the units (file_units.h) that hold spans of it, some 60
 * bytes a trace and unit, whatever their size. And which traces link to which, 32 bytes for each two. Filled unit by
 * unit in the order of the files, then put in order of id. Thread: one while it is filled, any afterwards. Only tempo/
 * includes this. */
#ifndef BT_TEMPO_FILES_FILE_INDEX_H
#define BT_TEMPO_FILES_FILE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/trace/trace.h"

typedef struct bt_indexed_unit {
  uint64_t offset;       /* bytes */
  uint32_t length, file; /* bytes; a number */
} bt_indexed_unit;

typedef struct bt_trace_bounds { /* of the spans that a unit holds */
  bt_trace_id id;
  int64_t start_ns, end_ns; /* earliest start; latest end or start; both 0: no span has a time */
} bt_trace_bounds;

typedef struct bt_indexed_trace {
  bt_trace_id id;
  int64_t start_ns, end_ns; /* earliest start; latest end or start; both 0: no span has a time */
  uint32_t unit;            /* the first that holds spans of it */
  uint32_t more;            /* of further ones: place in `links` + 1, newest first; 0: none */
} bt_indexed_trace;

typedef struct bt_unit_link {
  uint32_t unit, next; /* next: as `more` */
} bt_unit_link;

typedef struct bt_trace_link {
  bt_trace_id to, from; /* `from` has a span with a link to `to` */
} bt_trace_link;

typedef struct bt_file_index { /* all-zero: empty */
  bt_indexed_unit *units;
  size_t unit_count, unit_capacity;
  bt_indexed_trace *traces; /* by id once finished */
  size_t trace_count, trace_capacity;
  bt_unit_link *links;
  size_t link_count, link_capacity;
  bt_trace_link *trace_links; /* by `to` and `from` once finished, each once then */
  size_t trace_link_count, trace_link_capacity;
  bt_table table; /* of traces, by id; only while it is filled */
} bt_file_index;

void bt_file_index_dispose(bt_file_index *index);
/* The unit that the next traces lie in. BT_LIMIT: more than 2^32 − 2 units. */
bt_status bt_file_index_add_unit(bt_file_index *index, const bt_indexed_unit *unit, bt_error *error) BT_MUST_CHECK;
/* A trace that the last unit holds spans of. *is_new: no unit before held any. BT_LIMIT: more traces, or units of them,
 * than fit an index. BT_NO_MEMORY. */
bt_status bt_file_index_add_trace(bt_file_index *index, const bt_trace_bounds *bounds, bool *is_new,
                                  bt_error *error) BT_MUST_CHECK;
/* BT_NO_MEMORY alone. */
bt_status bt_file_index_add_trace_links(bt_file_index *index, const bt_trace_link *links, size_t count,
                                        bt_error *error) BT_MUST_CHECK;
/* Puts the traces in order of id. */
void bt_file_index_finish(bt_file_index *index);
/* Of a finished index; NULL: it is not there. */
const bt_indexed_trace *bt_file_index_find(const bt_file_index *index, const bt_trace_id *id);
/* The first of the links to this trace, of a finished index; NULL: there is none. Others follow in the array. */
const bt_trace_link *bt_file_index_links_to(const bt_file_index *index, const bt_trace_id *id);
/* Takes out the traces with these ids (in order). */
void bt_file_index_remove(bt_file_index *index, const bt_trace_id *ids, size_t count);

#endif
