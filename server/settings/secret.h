/* Secrets of settings: they come from a file or from the environment, never from a flag, whose text everybody on the
 * machine can read. They are read when they are needed, and overwritten afterwards. Thread: the main thread, before
 * others start. */
#ifndef BT_SERVER_SETTINGS_SECRET_H
#define BT_SERVER_SETTINGS_SECRET_H

#include "dsl/base/error.h"

/* At most one of the two is set. The name of the file is never shown either: it may be the secret itself, by mistake.
 */
typedef struct bt_secret_setting {
  const char *file; /* from a flag */
  const char *text; /* from the environment */
} bt_secret_setting;

enum { BT_SECRET_MAX = 16 * 1024 };
typedef struct bt_secret {
  char text[BT_SECRET_MAX + 1];
  const char *value; /* text, or the environment's; NULL: not set */
} bt_secret;

/* BT_IO, BT_INVALID: the message has the name of the setting and shows nothing of the secret. */
bt_status bt_secret_read(const bt_secret_setting *setting, const char *name, bt_secret *out,
                         bt_error *error) BT_MUST_CHECK;
void bt_secret_forget(bt_secret *secret);

#endif
