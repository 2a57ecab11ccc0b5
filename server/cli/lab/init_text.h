/* The texts that `betrace init` writes, compiled in from server/cli/lab/init/ and from the schema in docs/. Thread:
 * constant. */
#ifndef BT_SERVER_CLI_LAB_INIT_TEXT_H
#define BT_SERVER_CLI_LAB_INIT_TEXT_H

#include "dsl/base/text.h"

typedef struct bt_init_text {
  const char *kind; /* "always", or the word of --ci that asks for it */
  const char *path; /* below the folder */
  bt_str text;
} bt_init_text;

extern const bt_init_text bt_init_texts[]; /* ends with a NULL path */

#endif
