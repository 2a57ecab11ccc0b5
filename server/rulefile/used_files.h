/* `use` of rule files: aliases and names of other files. Thread: no state. */
#ifndef BT_SERVER_RULEFILE_USED_FILES_H
#define BT_SERVER_RULEFILE_USED_FILES_H

#include "server/rulefile/rulefile.h"

enum { BT_USED_FILES_MAX = 64 }; /* of one file, with those that they use */

/* Reads the files that it uses, and what they use, from the folder of `path`, and gives their aliases and names to all
 * of its rules. `name` is for messages. path NULL: no files are read, and a file that uses some is BT_INVALID, as one
 * is that cannot be read, has a mistake, uses itself, or says another alias or name than a further one. BT_NO_MEMORY.
 */
bt_status bt_used_files_join(bt_rulefile *file, const char *name, const char *path, bt_error *error) BT_MUST_CHECK;

#endif
