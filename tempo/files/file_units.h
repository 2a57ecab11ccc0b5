/* A trace file cut into units that can be decoded one by one, so that no more than one is in memory. A unit is a JSON
 * document (an array of documents is one), a line, a length-prefixed message, or a ResourceSpans of a
 * protobuf file. The reader finds their ends and nothing else. The decoder says what is wrong inside, with the place in
 * the file. Thread: one at a time. Only tempo/ includes this. */
#ifndef BT_TEMPO_FILES_FILE_UNITS_H
#define BT_TEMPO_FILES_FILE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/files/file_content.h"
#include "tempo/wire/otlp_decoder.h"

typedef enum bt_file_format {
  BT_FILE_EMPTY = 0, /* nothing but blanks */
  BT_FILE_JSON,      /* documents one after another */
  BT_FILE_JSON_LINE, /* of a unit, not of a file: a document and nothing behind it */
  BT_FILE_PREFIXED,  /* protobuf messages, each with its length before it in four bytes, big-endian */
  BT_FILE_PROTOBUF,  /* TracesData */
  BT_FILE_ANSWER,    /* Tempo's answer to a trace by id, in protobuf */
  BT_FILE_OTHER
} bt_file_format;

typedef struct bt_file_unit {
  uint64_t offset, length; /* bytes */
  bt_document_place place; /* of its first byte */
  bool is_line;            /* it was cut where its line ends: right if it can be decoded as BT_FILE_JSON_LINE */
} bt_file_unit;

typedef struct bt_file_units {
  const bt_file_content *content; /* borrowed */
  bt_file_format format;
  uint64_t at;                           /* where the next unit is looked for */
  bt_document_place place;               /* of `at` */
  bool by_line;                          /* JSON: so far documents end where lines end */
  bool after_empty;                      /* the last unit is a message of no bytes: nothing behind it is looked at */
  char *window;                          /* bytes from window_at on */
  size_t window_length, window_capacity; /* bytes */
  uint64_t window_at;
} bt_file_units;

/* Looks at the beginning and says the format. Dispose in every case. BT_IO: it cannot be read. BT_NO_MEMORY. */
bt_status bt_file_units_start(bt_file_units *units, const bt_file_content *content, bt_error *error) BT_MUST_CHECK;
/* What was looked at, from the next unit on: borrowed until the next call. */
bt_str bt_file_units_seen(const bt_file_units *units);
void bt_file_units_dispose(bt_file_units *units);
/* The next unit and its bytes (borrowed until the next call). *found false: there is none left. BT_INVALID: a message
 * is cut off. BT_LIMIT: it is larger than 4 GiB. BT_IO: it cannot be read. BT_NO_MEMORY. */
bt_status bt_file_units_next(bt_file_units *units, bt_file_unit *unit, bt_str *bytes, bool *found,
                             bt_error *error) BT_MUST_CHECK;
/* Goes back to a unit that was cut where its line ends and cannot be decoded: from there on brackets are counted. */
void bt_file_units_go_back(bt_file_units *units, const bt_file_unit *unit);
/* Decodes a unit; messages say the place in the file. BT_INVALID: it is empty, no OTLP, or damaged. BT_LIMIT: it
 * needs more memory than the batch may have. BT_NO_MEMORY. */
bt_status bt_file_unit_decode(bt_file_format format, const bt_document_place *place, bt_str bytes, bt_span_batch *batch,
                              bt_error *error) BT_MUST_CHECK;

#endif
