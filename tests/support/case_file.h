/* Text cases: files of cases that are parted by blank lines. A case is lines of `key  value`. A line that begins with
 * blanks goes on with the value of the key above (without its indentation). `#` at the start of a line is a comment and
 * names the case that follows. */
#ifndef BT_TESTS_CASE_FILE_H
#define BT_TESTS_CASE_FILE_H

#include "dsl/base/text.h"

enum { CASE_MAX_FIELDS = 64 };

typedef struct case_field {
  const char *key, *value; /* NUL-terminated; several lines are joined by \n */
  unsigned line;           /* in the file, from 1 */
} case_field;

typedef struct text_case {
  const char *file, *comment; /* comment: the last `#` line above it, or "" */
  unsigned line;
  case_field fields[CASE_MAX_FIELDS];
  size_t field_count;
} text_case;

/* Value of the first field with that key, or NULL. */
const char *case_get(const text_case *c, const char *key);

/* Calls `run` for every case of every file *.case in a folder (sorted by name). Returns the number of cases; aborts the
 * test program with a message when the folder has none, or a file cannot be read. */
size_t case_run_folder(const char *folder, void (*run)(const text_case *c, void *context), void *context);

/* Reads a whole file; NULL when it cannot be read. Free it. */
char *case_read_file(const char *path, size_t *length);

#endif
