/* Unpacking gzip in pieces: members one after another, to their ends; and packing piece by piece. Thread: a stream
 * belongs to one thread. */
#ifndef BT_TEMPO_WIRE_GZIP_H
#define BT_TEMPO_WIRE_GZIP_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

bool bt_gzip_is(bt_str input); /* whether it begins as gzip does */

typedef struct bt_gzip bt_gzip;
/* Takes what was unpacked, a piece at a time; anything but BT_OK stops the unpacking with it. */
typedef bt_status (*bt_gzip_sink)(void *context, bt_str piece, bt_error *error);
/* new. BT_NO_MEMORY alone. */
bt_status bt_gzip_new(bt_gzip **out, bt_error *error) BT_MUST_CHECK;
void bt_gzip_free(bt_gzip *gzip); /* NULL is fine */
/* The next bytes of the packed input. BT_INVALID: not gzip, damaged, or something else follows a member. */
bt_status bt_gzip_feed(bt_gzip *gzip, bt_str input, bt_gzip_sink sink, void *context, bt_error *error) BT_MUST_CHECK;
/* The input has ended. BT_INVALID: in the middle of a member. */
bt_status bt_gzip_end(const bt_gzip *gzip, bt_error *error) BT_MUST_CHECK;

/* All at once: appends what the members hold to out, within out->maximum (BT_LIMIT above it). */
bt_status bt_gzip_unpack(bt_str input, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

/* Packing piece by piece: each can be unpacked when it has come. Takes 64 KiB for as long as it lives. */
typedef struct bt_gzip_packer bt_gzip_packer;
bt_gzip_packer *bt_gzip_packer_new(void);         /* new; NULL: no memory */
void bt_gzip_packer_free(bt_gzip_packer *packer); /* NULL is fine */
/* Appends the piece, packed, to out; with the last one the end. False: no memory, and nothing more can be packed. */
bool bt_gzip_packer_add(bt_gzip_packer *packer, bt_str piece, bool is_last, bt_buffer *out) BT_MUST_CHECK;

#endif
