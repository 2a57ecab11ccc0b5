/* The file source: OTLP files read into memory at the start (the embedded default, CI jobs, rule tests).
 * Formats by content, not by name: OTLP JSON (one document, an array of them, or one a line; also Tempo's answer to a trace by id), OTLP
 * protobuf (TracesData, or Tempo's answer, or messages with a length of four bytes before each), each also gzipped; "-" is stdin. Spans of
 * one trace that lie in several files become one trace. BeTrace's own traces (own_trace.h, of no tenant) are left out.
 * Thread: immutable once opened. */
#ifndef BT_TEMPO_FILE_SOURCE_H
#define BT_TEMPO_FILE_SOURCE_H

#include "tempo/source.h"

/* new. A file that cannot be read or decoded is an error that names the file and the place; nothing is skipped in silence.
 * max_bytes: of decoded input in all; 0: 4 GiB. */
bt_status bt_file_source_open(const char *const *paths, size_t count, size_t max_bytes, bt_source **out,
                              bt_error *error) BT_MUST_CHECK;
size_t bt_file_source_trace_count(const bt_source *source);
/* The traces, by id; borrowed as long as the source. */
const bt_trace *bt_file_source_trace(const bt_source *source, size_t index);

#endif
