/* A session of the Model Context Protocol. The input is what a client writes after it has initialized; the service
 * behind the tools has one answer for all. No crash, it ends, and every line that comes back is a message of JSON-RPC.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/cli/mcp/session.h"
#include "server/mcp/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static bt_status answer_all(void *context, const char *method, const char *path, bt_str body, json_t **out,
                            bt_error *error) {
  (void)context;
  (void)method;
  require(path[0] == '/' && !strpbrk(path, " \r\n") && body.len <= BT_MCP_MESSAGE_BYTES * 2);
  if (strstr(path, "no-such")) return bt_error_set(error, BT_NOT_FOUND, "the service answered 404");
  *out = json_pack("{s:s,s:s,s:b,s:{s:b},s:[]}", "replay_id", "r1", "status", "completed", "valid", 1, "coverage",
                   "complete", 1, "violations");
  return *out ? BT_OK : bt_error_no_memory(error);
}

static void check_line(const char *line, size_t length) {
  json_t *message = json_loadb(line, length, 0, NULL), *id = json_object_get(message, "id");
  const char *version = json_string_value(json_object_get(message, "jsonrpc"));
  bool is_notification = json_object_get(message, "method") != NULL;
  bool has_result = json_object_get(message, "result") != NULL, has_error = json_object_get(message, "error") != NULL;
  require(version && strcmp(version, "2.0") == 0);
  require(is_notification ? !id && !has_result && !has_error : id && has_result != has_error);
  json_decref(message);
}

static void check_output(int out) {
  off_t length = lseek(out, 0, SEEK_END);
  char *text = length > 0 ? malloc((size_t)length) : NULL, *at = text;
  require(text && pread(out, text, (size_t)length, 0) == length);
  for (char *end; at < text + length; at = end + 1) {
    end = memchr(at, '\n', (size_t)(text + length - at));
    require(end != NULL);
    check_line(at, (size_t)(end - at));
  }
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char first[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{}}\n";
  bt_error error = {0};
  bt_mcp_options options = {.ask = answer_all, .allows_writes = true, .version = "fuzz"};
  options.in = memfd_create("in", MFD_CLOEXEC);
  options.out = memfd_create("out", MFD_CLOEXEC);
  require(options.in >= 0 && options.out >= 0);
  require(write(options.in, first, sizeof first - 1) == sizeof first - 1);
  require(write(options.in, data, size) == (ssize_t)size && lseek(options.in, 0, SEEK_SET) == 0);
  require(bt_mcp_session_run(&options, &error) == BT_OK);
  check_output(options.out);
  close(options.in);
  close(options.out);
  return 0;
}
