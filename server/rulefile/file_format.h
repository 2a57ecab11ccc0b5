/* Canonical text of the rules of a rule file, with everything else of the file left as it is. Thread: no state. */
#ifndef BT_SERVER_FILE_FORMAT_H
#define BT_SERVER_FILE_FORMAT_H

#include "dsl/base/error.h"
#include "dsl/base/text.h"

/* Appends the whole new text of the file to `out`, whose rules are what they were: the result is read again and
 * compared. Only blocks (dsl: |) are rewritten. BT_INVALID: nothing is to be written; `problems` says what is wrong, a
 * line or more for each: texts that do not parse, and texts that are not in canonical form and stand in no block. */
bt_status bt_rulefile_format(bt_str text, const char *file_name, bt_buffer *out, bt_buffer *problems,
                             bt_error *error) BT_MUST_CHECK;

#endif
