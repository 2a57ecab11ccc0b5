/* Another program, run to its end. See program_run.h. */
#include "server/cli/lab/program_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/cli/lab/child.h"
#include "server/cli/printer.h"

enum { MESSAGE_BYTES = 16384, LOOK_MS = 100, LAST_LOOKS = 10 };
#define LAST_NS INT64_C(10000000000)

void bt_words_add(bt_words *words, const char *word) {
  const char **items = NULL;
  if (words->failed) return;
  if (words->count + 1 >= words->capacity) {
    items = bt_realloc_array(words->items, 2 * words->capacity + 16, sizeof *items);
    if (!items) {
      words->failed = true;
      return;
    }
    words->items = items;
    words->capacity = 2 * words->capacity + 16;
  }
  words->items[words->count++] = word;
  words->items[words->count] = NULL;
}

void bt_words_dispose(bt_words *words) {
  free(words->items);
  *words = (bt_words){0};
}

/* ---- what it writes ---- */

typedef struct reading {
  bt_child_pipes pipes;
  bt_program_take take;
  void *context;
  bt_program_end *end;
} reading;

static void keep_message(bt_program_end *end, bt_str piece) {
  size_t room = end->messages.len < MESSAGE_BYTES ? MESSAGE_BYTES - end->messages.len : 0;
  size_t kept = piece.len < room ? piece.len : room;
  bt_buffer_append(&end->messages, (bt_str){piece.ptr, kept});
  for (size_t i = kept; i < piece.len; i++) end->messages_unsaid += piece.ptr[i] == '\n';
}

/* Closes the pipe at its end. */
static void read_piece(reading *r, int *pipe) {
  char piece[65536];
  ssize_t got = read(*pipe, piece, sizeof piece);
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) {
    close(*pipe);
    *pipe = -1;
  } else if (pipe == &r->pipes.output) {
    r->take(r->context, (bt_str){piece, (size_t)got});
  } else {
    keep_message(r->end, (bt_str){piece, (size_t)got});
  }
}

/* False: nothing came for a while. */
static bool read_some(reading *r) {
  struct pollfd files[] = {{.fd = r->pipes.output, .events = POLLIN}, {.fd = r->pipes.messages, .events = POLLIN}};
  if (poll(files, 2, LOOK_MS) <= 0) return false;
  if (files[0].revents) read_piece(r, &r->pipes.output);
  if (files[1].revents) read_piece(r, &r->pipes.messages);
  return true;
}

/* What it left behind may hold its pipes open for ever, or write for ever: they are read until nothing comes, and not
 * for long. */
static void read_rest(reading *r) {
  int64_t end_ns = bt_clock_monotonic_ns() + LAST_NS;
  for (int looks = 0;
       looks < LAST_LOOKS && bt_clock_monotonic_ns() < end_ns && (r->pipes.output >= 0 || r->pipes.messages >= 0);)
    looks = read_some(r) ? 0 : looks + 1;
}

static void read_until_end(reading *r) {
  for (int signals = 0;;) {
    bool is_open = r->pipes.output >= 0 || r->pipes.messages >= 0;
    if (is_open) (void)read_some(r);
    bt_child_event event = bt_child_wait(r->pipes.child, is_open ? 0 : LOOK_MS * INT64_C(1000000), &r->end->code);
    if (event == BT_CHILD_ENDED) break;
    if (event != BT_CHILD_INTERRUPTED) continue;
    r->end->is_interrupted = true;
    if (++signals > 1) kill(r->pipes.child, SIGKILL);
  }
  read_rest(r);
  bt_child_close_pipes(&r->pipes);
}

bt_status bt_program_run(const bt_program *program, bt_words *words, bt_program_take take, void *context,
                         bt_program_end *end, bt_error *error) {
  reading r = {.take = take, .context = context, .end = end};
  *end = (bt_program_end){0};
  if (words->failed) return bt_error_no_memory(error);
  bt_child_block_signals();
  /* posix_spawn takes words that it does not change */
  bt_status status = bt_child_start_piped(program->path, (char *const *)(uintptr_t)words->items, &r.pipes, error);
  if (status) return status;
  read_until_end(&r);
  return end->messages.failed ? bt_error_no_memory(error) : BT_OK;
}

/* ---- messages ---- */

void bt_program_print_messages(const bt_program_end *end, const char *command, const bt_program *program) {
  bt_str rest = bt_buffer_str(&end->messages);
  while (rest.len) {
    const char *line_end = memchr(rest.ptr, '\n', rest.len);
    size_t length = line_end ? (size_t)(line_end - rest.ptr) : rest.len, step = line_end ? length + 1 : length;
    bt_print_error("betrace %s: %s: %.*s\n", command, program->name, (int)length, rest.ptr);
    rest = (bt_str){rest.ptr + step, rest.len - step};
  }
  if (end->messages_unsaid)
    bt_print_error("betrace %s: %s: … and %zu more lines\n", command, program->name, end->messages_unsaid);
}

void bt_program_say_end(const bt_program_end *end, bt_buffer *out) {
  const char *signal_name = end->code > 128 ? strsignal(end->code - 128) : NULL;
  bt_str text = bt_buffer_str(&end->messages);
  const char *line_end = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
  if (line_end) text.len = (size_t)(line_end - text.ptr);
  if (signal_name)
    bt_buffer_printf(out, "was ended by signal %d (%s)", end->code - 128, signal_name);
  else
    bt_buffer_printf(out, "ended with status %d", end->code);
  if (text.len) bt_buffer_printf(out, ": %.*s", BT_FMT(text));
}

void bt_program_end_dispose(bt_program_end *end) {
  bt_buffer_dispose(&end->messages);
  *end = (bt_program_end){0};
}
