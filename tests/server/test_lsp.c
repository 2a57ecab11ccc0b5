/* Parts of the language server that have no JSON: frames out of a stream cut anywhere, places in UTF-16 and UTF-8, the
 * way between a rule's text and its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/lsp/document.h"
#include "server/lsp/frames.h"
#include "server/lsp/place.h"

/* ---- frames ---- */

static void expect_two(const char *stream, size_t length, size_t cut) {
  bt_lsp_frames frames = {0};
  bt_str message;
  bt_error error;
  size_t seen = 0;
  for (size_t at = 0; at < length; at += cut) {
    bt_str piece = {stream + at, cut < length - at ? cut : length - at};
    assert_int_equal(bt_lsp_frames_add(&frames, piece, &error), BT_OK);
    while (bt_lsp_frames_take(&frames, &message, &error) == BT_OK) {
      bt_str want = seen++ == 0 ? BT_STR("{\"a\":1}") : BT_STR("");
      assert_true(bt_str_equal(message, want));
    }
  }
  assert_int_equal(seen, 2);
  bt_lsp_frames_dispose(&frames);
}

static void test_frames_cut_anywhere(void **state) {
  static const char stream[] =
      "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:  7 \r\n\r\n{\"a\":1}"
      "Content-Length: 0\r\n\r\n";
  (void)state;
  for (size_t cut = 1; cut <= sizeof stream; cut++) expect_two(stream, sizeof stream - 1, cut);
}

static void expect_refused(const char *stream, const char *why) {
  bt_lsp_frames frames = {0};
  bt_str message;
  bt_error error;
  assert_int_equal(bt_lsp_frames_add(&frames, bt_str_from(stream), &error), BT_OK);
  assert_int_equal(bt_lsp_frames_take(&frames, &message, &error), BT_INVALID);
  assert_non_null(strstr(error.message, why));
  bt_lsp_frames_dispose(&frames);
}

static void test_frames_that_are_wrong(void **state) {
  (void)state;
  expect_refused("Content-Type: x\r\n\r\n{}", "expected a header with Content-Length, got none");
  expect_refused("\r\n\r\n{}", "expected a header line");
  expect_refused("Content-Length: -1\r\n\r\n{}", "got \"-1\"");
  expect_refused("Content-Length: 7x\r\n\r\n{}", "got \"7x\"");
  expect_refused("Content-Length: \r\n\r\n{}", "got \"\"");
  expect_refused("Content-Length: 1234567890123456789\r\n\r\n{}", "expected a number of bytes");
  expect_refused("{\"jsonrpc\":\"2.0\"}\r\n\r\n", "expected a header with Content-Length");
}

static void test_endless_header(void **state) {
  char bytes[BT_LSP_MAX_HEADER_BYTES + 1];
  bt_lsp_frames frames = {0};
  bt_str message;
  bt_error error;
  (void)state;
  memset(bytes, 'x', sizeof bytes);
  assert_int_equal(bt_lsp_frames_add(&frames, (bt_str){bytes, sizeof bytes}, &error), BT_OK);
  assert_int_equal(bt_lsp_frames_take(&frames, &message, &error), BT_INVALID);
  bt_lsp_frames_dispose(&frames);
}

/* A message that is too large is passed over, and the next one is read. */
static void test_large_message(void **state) {
  char bytes[4096];
  bt_lsp_frames frames = {0};
  bt_str message;
  bt_error error;
  size_t size = BT_LSP_MAX_MESSAGE_BYTES + 1;
  bt_buffer header = {0};
  (void)state;
  memset(bytes, '\r', sizeof bytes);
  bt_buffer_printf(&header, "Content-Length: %zu\r\n\r\n", size);
  assert_int_equal(bt_lsp_frames_add(&frames, bt_buffer_str(&header), &error), BT_OK);
  assert_int_equal(bt_lsp_frames_take(&frames, &message, &error), BT_LIMIT);
  for (size_t left = size; left;) {
    size_t piece = left < sizeof bytes ? left : sizeof bytes;
    assert_int_equal(bt_lsp_frames_add(&frames, (bt_str){bytes, piece}, &error), BT_OK);
    assert_int_equal(bt_lsp_frames_take(&frames, &message, &error), BT_NOT_FOUND);
    left -= piece;
  }
  assert_int_equal(bt_lsp_frames_add(&frames, BT_STR("Content-Length: 2\r\n\r\n{}"), &error), BT_OK);
  assert_int_equal(bt_lsp_frames_take(&frames, &message, &error), BT_OK);
  assert_true(bt_str_equal(message, BT_STR("{}")));
  bt_buffer_dispose(&header);
  bt_lsp_frames_dispose(&frames);
}

/* ---- places of documents ---- */

static bt_lsp_document open_text(const char *text) {
  bt_lsp_document document;
  bt_error error;
  assert_int_equal(
      bt_lsp_document_open(&document, BT_STR("file:///a.betrace.yaml"), BT_STR("yaml"), bt_str_from(text), &error),
      BT_OK);
  return document;
}

static void test_positions(void **state) {
  bt_lsp_document d = open_text("a\r\n\xC3\xA9\xF0\x9F\x98\x80z\rlast");
  (void)state;
  bt_lsp_position at = bt_lsp_document_position(&d, BT_LSP_UTF16, 9);
  assert_int_equal(at.line, 1);
  assert_int_equal(at.character, 3); /* é is one unit, the face two */
  at = bt_lsp_document_position(&d, BT_LSP_UTF8, 9);
  assert_int_equal(at.character, 6);
  at = bt_lsp_document_position(&d, BT_LSP_UTF16, 1000);
  assert_int_equal(at.line, 2);
  assert_int_equal(at.character, 4);
  assert_int_equal(bt_lsp_document_offset(&d, BT_LSP_UTF16, (bt_lsp_position){1, 3}), 9);
  assert_int_equal(bt_lsp_document_offset(&d, BT_LSP_UTF16, (bt_lsp_position){1, 2}), 5); /* inside the face */
  assert_int_equal(bt_lsp_document_offset(&d, BT_LSP_UTF16, (bt_lsp_position){0, 99}), 1);
  assert_int_equal(bt_lsp_document_offset(&d, BT_LSP_UTF8, (bt_lsp_position){9, 0}), 15);
  bt_lsp_document_dispose(&d);
}

/* Every offset that begins a character is found again by its position, in both units. */
static void test_positions_there_and_back(void **state) {
  static const char text[] = "rules:\n- id: \xC3\xB6\xF0\x9F\x98\x80\r\n\r\n  dsl: \xE2\x82\xAC\rx\n";
  bt_lsp_document d = open_text(text);
  (void)state;
  for (size_t at = 0; at < sizeof text; at++) {
    bool is_inside = ((unsigned char)text[at] & 0xC0) == 0x80 || (at && text[at - 1] == '\r' && text[at] == '\n');
    if (is_inside) continue;
    for (int units = BT_LSP_UTF16; units <= BT_LSP_UTF8; units++)
      assert_int_equal(
          bt_lsp_document_offset(&d, (bt_lsp_units)units, bt_lsp_document_position(&d, (bt_lsp_units)units, at)), at);
  }
  bt_lsp_document_dispose(&d);
}

static void test_a_text_that_grows_too_large(void **state) {
  bt_lsp_document d = open_text("a");
  bt_buffer large = {0};
  bt_error error;
  (void)state;
  for (size_t i = 0; i < BT_RULEFILE_MAX_BYTES; i++) bt_buffer_append_char(&large, '\n');
  assert_int_equal(bt_lsp_document_replace(&d, 0, 0, bt_buffer_str(&large), &error), BT_OK);
  assert_true(d.is_too_large);
  assert_int_equal(bt_lsp_document_text(&d).len, 0);
  assert_int_equal(bt_lsp_document_replace(&d, 0, 0, BT_STR("x"), &error), BT_OK);
  assert_true(d.is_too_large); /* it is not known what the rest is */
  assert_int_equal(bt_lsp_document_set(&d, BT_STR("x"), &error), BT_OK);
  assert_false(d.is_too_large);
  bt_buffer_dispose(&large);
  bt_lsp_document_dispose(&d);
}

/* ---- places of rules ---- */

/* `^` in the file is the cursor; `want` is the rule's text with the cursor, NULL: it is in no rule. */
static void expect_text(const char *marked, const char *want) {
  bt_buffer file = {0}, text = {0};
  bt_lsp_place place;
  size_t offset = strcspn(marked, "^");
  bt_buffer_append(&file, (bt_str){marked, offset});
  bt_buffer_append(&file, bt_str_from(marked + offset + 1));
  bool found = bt_lsp_place_around(bt_buffer_str(&file), offset, &place);
  assert_int_equal(found, want != NULL);
  if (found) {
    bt_lsp_place_read(&place, &text);
    size_t in_text = bt_lsp_place_to_text(&place, bt_buffer_str(&text), offset);
    assert_int_equal(in_text, strcspn(want, "^"));
    assert_memory_equal(text.ptr ? text.ptr : "", want, in_text);
    assert_string_equal((text.ptr ? text.ptr : "") + in_text, want + in_text + 1);
    assert_int_equal(bt_lsp_place_to_file(&place, bt_buffer_str(&text), in_text), offset);
  }
  bt_buffer_dispose(&file);
  bt_buffer_dispose(&text);
}

static void test_text_around_a_cursor(void **state) {
  (void)state;
  expect_text("rules:\n- id: a\n  dsl: |\n    when { a }\n    al^ways { b }\n- id: b\n", "when { a }\nal^ways { b }\n");
  expect_text("rules:\n- dsl: |\n    when { a }\n      ^\n", "when { a }\n  ^\n");
  expect_text("rules:\r\n- dsl: |\r\n    when { a }\r\n    al^\r\n", "when { a }\nal^\n");
  expect_text("rules:\n- dsl: |\n    ^", "^");
  expect_text("rules:\n- dsl: >-\n    when { a }\n\n    al^", "when { a }\n\nal^");
  expect_text("- dsl: tra^ce.has(a)  \n", "tra^ce.has(a)");
  expect_text("- dsl: ^\n", " ^");
  expect_text("- {id: a, dsl: 'a and ^'}\n", "a and ^");
  expect_text("{\"rules\": [{\"id\": \"a\", \"dsl\": \"trace.^\"}]}", "trace.^");
  expect_text("rules:\n- id: a^\n  dsl: |\n    x\n", NULL);
  expect_text("rules:\n- dsl: |\n    x\n  name: a^\n", NULL);
  expect_text("rules:\n- dsl: \"a \\\" ^\"\n", NULL); /* escapes give no columns */
  expect_text("rules:\n- dsl: 'it''s ^'\n", NULL);
  expect_text("^", NULL);
}

static void test_pieces_are_written_as_they_stand(void **state) {
  bt_lsp_place block = {.is_block = true, .indentation = 2}, quoted = {.quote = '"'}, single = {.quote = '\''};
  bt_buffer out = {0};
  (void)state;
  bt_lsp_place_write(&block, BT_STR("a\nb"), &out);
  assert_string_equal(out.ptr, "a\n  b");
  bt_buffer_clear(&out);
  bt_lsp_place_write(&quoted, BT_STR("\"a\\b\"\nc"), &out);
  assert_string_equal(out.ptr, "\\\"a\\\\b\\\"\\nc");
  bt_buffer_clear(&out);
  bt_lsp_place_write(&single, BT_STR("'a'"), &out);
  assert_string_equal(out.ptr, "''a''");
  bt_buffer_dispose(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames_cut_anywhere),
                                     cmocka_unit_test(test_frames_that_are_wrong),
                                     cmocka_unit_test(test_endless_header),
                                     cmocka_unit_test(test_large_message),
                                     cmocka_unit_test(test_positions),
                                     cmocka_unit_test(test_positions_there_and_back),
                                     cmocka_unit_test(test_a_text_that_grows_too_large),
                                     cmocka_unit_test(test_text_around_a_cursor),
                                     cmocka_unit_test(test_pieces_are_written_as_they_stand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
