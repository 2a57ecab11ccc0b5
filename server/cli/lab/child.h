/* A command that runs with further environment variables, while the caller goes on. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_CHILD_H
#define BT_SERVER_CLI_LAB_CHILD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dsl/base/error.h"

typedef struct bt_variable {
  const char *name, *value;
} bt_variable;

/* Blocks the signals that bt_child_wait takes: before any thread is started, so that all threads inherit it. */
void bt_child_block_signals(void);
/* From now on a process that a child leaves behind becomes the caller's own, not init's, however it was started: before
 * the child is. Where the system cannot, there is nobody to wait for. */
void bt_child_adopt(void);
/* Starts argv[0], found by PATH, with these variables set. BT_INVALID: it cannot be started, and why. */
bt_status bt_child_start(char *const *argv, const bt_variable *variables, size_t count, pid_t *out,
                         bt_error *error) BT_MUST_CHECK;

typedef struct bt_child_pipes { /* -1: closed */
  pid_t child;
  int output, messages; /* its stdout and stderr, to be read; bt_child_close_pipes */
} bt_child_pipes;
/* Starts it without stdin and reads what it writes. `program` is found by PATH; argv[0] is how it is called.
 * BT_INVALID: it cannot be started, and why; BT_IO: there is no pipe. */
bt_status bt_child_start_piped(const char *program, char *const *argv, bt_child_pipes *out,
                               bt_error *error) BT_MUST_CHECK;
void bt_child_close_pipes(bt_child_pipes *pipes);

typedef enum bt_child_event {
  BT_CHILD_NOTHING, /* the time is over */
  BT_CHILD_ENDED,
  BT_CHILD_INTERRUPTED /* SIGINT or SIGTERM came; it was passed on */
} bt_child_event;
/* Until the child ends, a signal comes or the time is over. child 0: there is none. *code: its exit status, 128 and the
 * number of the signal that ended it. */
bt_child_event bt_child_wait(pid_t child, int64_t most_ns, int *code);
/* How many processes the caller still has. `names`: the first of them, "node (123), java (124)"; cut where it is full.
 */
size_t bt_child_left(char *names, size_t size);

#endif
