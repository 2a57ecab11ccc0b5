/* `betrace lsp`: the language server on stdin and stdout. Waits for an editor's messages, one thread; what it sends
 * goes out before it waits again. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"
#include "server/lsp/frames.h"
#include "server/lsp/session.h"

enum { OPT_STDIO = BT_FLAG_OWN, READ_BYTES = 64 * 1024 };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  (void)context, (void)value;
  return flag->id == OPT_STDIO;
}

/* All messages that are there as a whole. */
static bt_status take_messages(bt_lsp_session *session, bt_lsp_frames *frames, bt_buffer *out, bt_error *error) {
  bt_str message;
  bt_status status = BT_OK;
  while (!status && !bt_lsp_session_has_ended(session)) {
    status = bt_lsp_frames_take(frames, &message, error);
    if (status == BT_OK)
      status = bt_lsp_session_receive(session, message, out, error);
    else if (status == BT_LIMIT)
      status = bt_lsp_complain(error, out, error);
    else
      break;
  }
  return status == BT_NOT_FOUND ? BT_OK : status;
}

static bool more_waits(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0 && (input.revents & POLLIN);
}

static bt_status send_all(bt_buffer *out, bt_error *error) {
  bool sent = !out->len || bt_cli_write_all(STDOUT_FILENO, bt_buffer_str(out));
  bt_buffer_clear(out);
  return sent ? BT_OK : bt_error_set(error, BT_IO, "the answer cannot be written: %s", strerror(errno));
}

/* Until `exit`, or the end of stdin: an editor that is gone asks nothing more. */
static bt_status run_session(bt_lsp_session *session, bt_lsp_frames *frames, bt_buffer *out, bt_error *error) {
  char bytes[READ_BYTES];
  bt_status status = BT_OK;
  while (!status && !bt_lsp_session_has_ended(session)) {
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return bt_error_set(error, BT_IO, "stdin cannot be read: %s", strerror(errno));
    if (count == 0) break;
    status = bt_lsp_frames_add(frames, (bt_str){bytes, (size_t)count}, error);
    if (!status) status = take_messages(session, frames, out, error);
    if (!status && !more_waits()) status = bt_lsp_session_settle(session, out, error);
    if (status == BT_INVALID && bt_lsp_complain(error, out, NULL)) return BT_NO_MEMORY;
    bt_error failed;
    if (status != BT_NO_MEMORY && send_all(out, &failed)) return *error = failed, BT_IO;
  }
  return status;
}

static int lsp_command(const bt_command *self, int argc, char **argv) {
  bt_operands operands;
  bt_error error = {0};
  bt_lsp_frames frames = {0};
  bt_buffer out = {0};
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, NULL, &operands, &code)) return code;
  if (operands.count)
    return bt_cli_usage_error(self->name, "it takes no files, not \"%s\": the editor opens them", operands.items[0]);
  if (isatty(STDIN_FILENO))
    return bt_cli_usage_error(self->name, "stdin is a terminal: an editor starts this command and talks to it there");
  bt_lsp_session *session = bt_lsp_session_new(BETRACE_VERSION);
  bt_status status = session ? run_session(session, &frames, &out, &error) : bt_error_no_memory(&error);
  code = !status && bt_lsp_session_was_shut_down(session) ? BT_EXIT_FINE : BT_EXIT_FOUND;
  if (status) bt_print_error("betrace lsp: %s\n", error.message);
  bt_lsp_session_free(session);
  bt_lsp_frames_dispose(&frames);
  bt_buffer_dispose(&out);
  return code;
}

static const bt_flag flags[] = {
    {"stdio", OPT_STDIO, NULL, NULL, "stdin and stdout, which are used anyway: many editors say so", NULL}, {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {{"What an editor starts", "betrace lsp --stdio"}, {0}};
const bt_command bt_command_lsp = {
    .name = "lsp",
    .summary = "the language server that editors start",
    .usage = "[--stdio]",
    .about = "Speaks the Language Server Protocol 3.17 on stdin and stdout. Editors start it for rule files (YAML or "
             "JSON) and for files of one rule's text (*.betrace), and get problems as they are typed, completion, "
             "hover, formatting, quick fixes and the rules of a file. It asks no store and writes no file.",
    .examples = examples,
    .groups = groups,
    .fine = "the editor sent shutdown, then exit",
    .found = "it ended without shutdown, or its input was no message of the protocol",
    .has_no_json = true,
    .run = lsp_command};
