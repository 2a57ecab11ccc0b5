/* A language server whose allocations fail in turn: it says that there is no memory, or it answers all that it answers
 * with memory enough, and nothing is leaked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/json/json_memory.h"
#include "server/lsp/session.h"
#include "tests/support/failing_alloc.h"

enum { TRIES = 20000 };

#define URI   "\"textDocument\":{\"uri\":\"file:///a.betrace.yaml\""
#define PLACE ",\"position\":{\"line\":2,\"character\":18}"

static const char *const messages[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"capabilities\":{\"textDocument\":"
    "{\"codeAction\":{\"codeActionLiteralSupport\":{}},\"publishDiagnostics\":{\"relatedInformation\":true}}}}}",
    "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{" URI
    ",\"text\":\"rules:\\n- id: a\\n  dsl: trace.has(a and)\\n- id: b\\n  dsl: |\\n    when {a} always "
    "{b.where(span.na "
    "== 1)}\\n\"}}}",
    "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{" URI
    "},\"contentChanges\":[{\"range\":{\"start\":{\"line\":2,\"character\":0},\"end\":{\"line\":2,\"character\":1}},"
    "\"text\":\" \"}]}}",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"textDocument/completion\",\"params\":{" URI "}" PLACE "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"textDocument/hover\",\"params\":{" URI "}" PLACE "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"textDocument/formatting\",\"params\":{" URI "}}}",
    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"textDocument/documentSymbol\",\"params\":{" URI "}}}",
    "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"textDocument/codeAction\",\"params\":{" URI
    "},\"range\":{\"start\":{\"line\":0,\"character\":0},\"end\":{\"line\":9,\"character\":0}}}}",
    "[]",
    "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didClose\",\"params\":{" URI "}}}",
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"shutdown\"}"};

static bt_status talk(bt_buffer *out) {
  bt_error error;
  bt_lsp_session *session = bt_lsp_session_new("1");
  bt_status status = session ? BT_OK : BT_NO_MEMORY;
  for (size_t i = 0; i < sizeof messages / sizeof messages[0] && !status; i++) {
    status = bt_lsp_session_receive(session, bt_str_from(messages[i]), out, &error);
    if (!status && i == 2) status = bt_lsp_session_settle(session, out, &error);
  }
  bt_lsp_session_free(session);
  return status;
}

static void test_no_memory(void **state) {
  bt_buffer all = {0};
  (void)state;
  assert_int_equal(talk(&all), BT_OK);
  assert_non_null(strstr(all.ptr, "E0"));
  assert_non_null(strstr(all.ptr, "\"quickfix\""));
  assert_non_null(strstr(all.ptr, "LSP has no batches"));
  for (size_t n = 0;; n++) {
    bt_buffer out = {0};
    assert_true(n < TRIES);
    failing_alloc_after(n);
    bt_status status = talk(&out);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (!was_refused) assert_string_equal(out.ptr, all.ptr);
    bt_buffer_dispose(&out);
    if (!was_refused) break;
  }
  bt_buffer_dispose(&all);
}

int main(void) {
  bt_json_memory_install();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
