/* Problems as other programs of CI show them: lines that GitHub Actions puts next to a change, and JUnit with one case
 * for each file. Thread: no state. */
#ifndef BT_SERVER_CI_NOTE_H
#define BT_SERVER_CI_NOTE_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef struct bt_ci_note {
  const char *level;     /* "error", "warning" or "notice" */
  const char *file;      /* NULL: it has no place, and then line and column are not written */
  unsigned line, column; /* from 1 */
  bt_str title;
  bt_str message; /* lines are fine */
} bt_ci_note;

/* Appends one workflow command and its line end. */
void bt_ci_note_write(const bt_ci_note *note, bt_buffer *out);
/* Of problems as check_json.h writes them, each with its `file` besides: a command for each. */
void bt_problems_annotate(const json_t *problems, bt_buffer *out);
/* The same problems as JUnit. `files`: objects {file, unreadable}, in order; unreadable is null or says why. A file
 * with an error fails, one that cannot be read is an error, and warnings are output. BT_NO_MEMORY alone. */
bt_status bt_problems_junit(const json_t *problems, const json_t *files, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
