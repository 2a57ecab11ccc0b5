/* What a file's bytes are packed or written in, undone in pieces: gzip or zstd, and UTF-16 with its mark, also inside
 * of it. Thread: a stream belongs to one thread. Only tempo/ includes this. */
#ifndef BT_TEMPO_FILES_UNPACKING_H
#define BT_TEMPO_FILES_UNPACKING_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

bool bt_unpacking_is_needed(bt_str start); /* of the beginning of a file */

typedef struct bt_unpacking bt_unpacking;
typedef bt_status (*bt_unpacking_sink)(void *context, bt_str piece, bt_error *error);
/* new. By the beginning of the file; what is not packed goes through as it is. BT_NO_MEMORY alone. */
bt_status bt_unpacking_new(bt_str start, bt_unpacking_sink sink, void *context, bt_unpacking **out,
                           bt_error *error) BT_MUST_CHECK;
void bt_unpacking_free(bt_unpacking *unpacking); /* NULL is fine */
/* The next bytes, those of the beginning first. BT_INVALID: damaged. BT_LIMIT: as of bt_zstd_feed. Or what the sink
 * returns. */
bt_status bt_unpacking_feed(bt_unpacking *unpacking, bt_str input, bt_error *error) BT_MUST_CHECK;
/* There are no more. BT_INVALID: it is cut off. */
bt_status bt_unpacking_end(bt_unpacking *unpacking, bt_error *error) BT_MUST_CHECK;

#endif
