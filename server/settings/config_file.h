/* The file of settings: lines of `name = value`, where the name is that of the flag without its dashes. Lines that
 * begin with # are comments; there are no quotes, sections or escapes, because settings are a flat list of short texts.
 * Thread: no state. */
#ifndef BT_SERVER_SETTINGS_CONFIG_FILE_H
#define BT_SERVER_SETTINGS_CONFIG_FILE_H

#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_CONFIG_FILE_MAX_BYTES = 64 * 1024 };

typedef struct bt_config_line {
  const char *name, *value; /* value "": nothing stands behind the = */
  unsigned line;
} bt_config_line;

/* All lines, in order, in the arena. BT_INVALID: which line is not one, and why. BT_IO: it cannot be read. BT_LIMIT: it
 * is larger than 64 KiB. BT_NO_MEMORY. */
bt_status bt_config_file_parse(bt_str text, const char *file, bt_arena *arena, bt_config_line **out, size_t *count,
                               bt_error *error) BT_MUST_CHECK;
bt_status bt_config_file_read(const char *file, bt_arena *arena, bt_config_line **out, size_t *count,
                              bt_error *error) BT_MUST_CHECK;

#endif
