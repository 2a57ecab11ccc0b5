/* Unpacking zstd in pieces: frames one after another, to their ends, and the form that the Collector's file exporter
 * writes, in which each frame has its length before it. Thread: a stream belongs to one thread. Only tempo/ includes
 * this. */
#ifndef BT_TEMPO_WIRE_ZSTD_H
#define BT_TEMPO_WIRE_ZSTD_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

bool bt_zstd_is(bt_str input); /* whether it begins as one of both does; 8 bytes tell */

typedef struct bt_zstd bt_zstd;
/* Takes what was unpacked, a piece at a time; anything but BT_OK stops the unpacking with it. Of the Collector's form
 * that is each message with a line end behind it if it is JSON, else with its length before it, in four bytes. */
typedef bt_status (*bt_zstd_sink)(void *context, bt_str piece, bt_error *error);
/* new. The beginning tells which form it is. BT_NO_MEMORY alone. */
bt_status bt_zstd_new(bt_str start, bt_zstd **out, bt_error *error) BT_MUST_CHECK;
void bt_zstd_free(bt_zstd *zstd); /* NULL is fine */
/* The next bytes of the packed input. BT_INVALID: not zstd, damaged, or something else follows a frame. BT_LIMIT: its
 * window is larger than 128 MiB, or a message larger than 1 GiB. BT_NO_MEMORY. */
bt_status bt_zstd_feed(bt_zstd *zstd, bt_str input, bt_zstd_sink sink, void *context, bt_error *error) BT_MUST_CHECK;
/* The input has ended. BT_INVALID: in the middle of a frame. */
bt_status bt_zstd_end(const bt_zstd *zstd, bt_error *error) BT_MUST_CHECK;

#endif
