/* Another program of betrace, run to its end: what it writes is read while it runs, so that it never waits for a pipe.
 * Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_PROGRAM_RUN_H
#define BT_SERVER_CLI_LAB_PROGRAM_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef struct bt_words { /* of a command line; all-zero is empty */
  const char **items;     /* owned array of borrowed texts, which ends with NULL */
  size_t count, capacity;
  bool failed; /* there was no memory for one */
} bt_words;
void bt_words_add(bt_words *words, const char *word);
void bt_words_dispose(bt_words *words);

typedef struct bt_program {
  const char *path; /* found by PATH where it has no slash */
  const char *name; /* as messages call it */
} bt_program;

typedef struct bt_program_end {
  int code;               /* its exit status; 128 and the number of the signal that ended it */
  bool is_interrupted;    /* Ctrl-C or SIGTERM came while it ran */
  bt_buffer messages;     /* the first of what it wrote to stderr */
  size_t messages_unsaid; /* lines behind these */
} bt_program_end;

/* A piece of its stdout, as it comes. */
typedef void (*bt_program_take)(void *context, bt_str piece);
/* Waits until it has ended, however it does. The first signal is passed on, the second ends it. BT_INVALID: it cannot
 * be started; BT_IO, BT_NO_MEMORY. Dispose of *end in each case. */
bt_status bt_program_run(const bt_program *program, bt_words *words, bt_program_take take, void *context,
                         bt_program_end *end, bt_error *error) BT_MUST_CHECK;
/* Prints its messages to stderr, each line behind "betrace COMMAND: NAME: ". */
void bt_program_print_messages(const bt_program_end *end, const char *command, const bt_program *program);
/* Appends "was ended by signal 9 (Killed)" or "ended with status 2: the first line of its messages". */
void bt_program_say_end(const bt_program_end *end, bt_buffer *out);
void bt_program_end_dispose(bt_program_end *end);

#endif
