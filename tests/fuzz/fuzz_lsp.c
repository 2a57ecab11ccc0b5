/* The language server. Input that begins with "Content" is a stream from an editor; any other is the text of a
 * document, of which everything is asked at every line. No crash, and every answer is JSON in a frame. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "server/lsp/frames.h"
#include "server/lsp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void check_output(bt_buffer *out) {
  bt_lsp_frames frames = {0};
  bt_str message;
  bt_error error;
  require(!bt_lsp_frames_add(&frames, bt_buffer_str(out), &error));
  while (bt_lsp_frames_take(&frames, &message, &error) == BT_OK) {
    json_t *answer = json_loadb(message.ptr, message.len, JSON_ALLOW_NUL, NULL);
    require(json_is_object(answer));
    json_decref(answer);
  }
  require(frames.taken == frames.bytes.len);
  bt_lsp_frames_dispose(&frames);
  bt_buffer_clear(out);
}

static void receive(bt_lsp_session *session, json_t *message, bt_buffer *out) {
  char *text = json_dumps(message, 0);
  bt_error error;
  require(text && !bt_lsp_session_receive(session, bt_str_from(text), out, &error));
  free(text);
  json_decref(message);
  check_output(out);
}

static void start(bt_lsp_session *session, bt_buffer *out) {
  receive(session,
          json_pack("{s:s, s:i, s:s, s:{s:{s:{s:{s:{}}, s:{s:b}, s:{s:b}}}}}", "jsonrpc", "2.0", "id", 1, "method",
                    "initialize", "params", "capabilities", "textDocument", "codeAction", "codeActionLiteralSupport",
                    "documentSymbol", "hierarchicalDocumentSymbolSupport", 1, "publishDiagnostics",
                    "relatedInformation", 1),
          out);
}

static void read_stream(bt_lsp_session *session, bt_str stream, bt_buffer *out) {
  bt_lsp_frames frames = {0};
  bt_str message;
  bt_error error;
  bt_status status = bt_lsp_frames_add(&frames, stream, &error);
  while (!status || status == BT_LIMIT) {
    status = bt_lsp_frames_take(&frames, &message, &error);
    if (!status) require(!bt_lsp_session_receive(session, message, out, &error));
  }
  require(!bt_lsp_session_settle(session, out, &error));
  check_output(out);
  bt_lsp_frames_dispose(&frames);
}

static void ask(bt_lsp_session *session, const char *method, const char *uri, int line, int character, bt_buffer *out) {
  receive(session,
          json_pack("{s:s, s:i, s:s, s:{s:{s:s}, s:{s:i, s:i}, s:{s:{s:i, s:i}, s:{s:i, s:i}}}}", "jsonrpc", "2.0",
                    "id", 2, "method", method, "params", "textDocument", "uri", uri, "position", "line", line,
                    "character", character, "range", "start", "line", 0, "character", 0, "end", "line", line,
                    "character", character),
          out);
}

static void read_document(bt_lsp_session *session, const char *uri, bt_str text, bt_buffer *out) {
  static const char *const methods[] = {"textDocument/completion", "textDocument/hover"};
  bt_error error;
  json_t *string = json_stringn(text.ptr, text.len);
  if (!string) return; /* no UTF-8 */
  receive(session,
          json_pack("{s:s, s:s, s:{s:{s:s, s:o}}}", "jsonrpc", "2.0", "method", "textDocument/didOpen", "params",
                    "textDocument", "uri", uri, "text", string),
          out);
  require(!bt_lsp_session_settle(session, out, &error));
  for (int line = 0; line < 8; line++)
    for (int character = 0; character < 60; character += 3)
      for (size_t i = 0; i < 2; i++) ask(session, methods[i], uri, line, character, out);
  ask(session, "textDocument/formatting", uri, 0, 0, out);
  ask(session, "textDocument/documentSymbol", uri, 0, 0, out);
  ask(session, "textDocument/codeAction", uri, 100000, 0, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str input = {(const char *)data, size};
  bt_buffer out = {0};
  bt_lsp_session *session = bt_lsp_session_new("fuzz");
  require(session != NULL);
  if (size > 20000) input.len = 20000;
  start(session, &out);
  if (bt_str_starts_with(input, BT_STR("Content"))) {
    read_stream(session, input, &out);
  } else {
    read_document(session, "file:///a.betrace.yaml", input, &out);
    read_document(session, "file:///a.betrace", input, &out);
  }
  bt_lsp_session_free(session);
  bt_buffer_dispose(&out);
  return 0;
}
