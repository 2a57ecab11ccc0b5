/* The end of a file that somebody still writes, or whose writer was killed. Is its last document or message cut off,
 * and which traces does what is left of it name? Thread: no state. Only tempo/ includes this. */
#ifndef BT_TEMPO_FILES_TORN_END_H
#define BT_TEMPO_FILES_TORN_END_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "tempo/files/file_reader.h"
#include "tempo/files/file_units.h"
#include "tempo/wire/passed_over.h"

/* Looks at the bytes of `end`, which go to the end of the file. *is_torn false: it is whole, so that something else is
 * wrong with it. Traces whose ids stand there are touched: they may lack
 * spans. BT_IO: it cannot be read. BT_NO_MEMORY. */
bt_status bt_torn_end_look(const bt_trace_file *file, const bt_file_unit *end, bt_passed_over *passed, bool *is_torn,
                           bt_error *error) BT_MUST_CHECK;

#endif
