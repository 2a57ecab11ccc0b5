/* Any bytes as a rule's text: what is formatted means the same (the checked rules print alike), keeps every comment in
 * order, formats to itself, and does not depend on blanks around the text. */
#include <stdint.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/lexer.h"
#include "tests/support/rule_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

/* BT_OK, or BT_INVALID when the text is broken; anything else is a failure of its own. */
static bool format(bt_str text, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, out, &diagnostics, &error);
  require(status == BT_OK || status == BT_INVALID);
  require((status == BT_OK) == (diagnostics.error_count == 0));
  bt_diagnostics_dispose(&diagnostics);
  return status == BT_OK;
}

/* The outline of the checked rule; empty when the checker refuses it. */
static void outline(bt_str text, bt_buffer *out) {
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(text, &rule, &diagnostics, &error) == BT_OK) rule_print(rule, out);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static bt_str trimmed(bt_str s) {
  while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r')) s.len--;
  return s;
}

/* The comments of a text, one after another. */
static void list_comments(bt_str text, bt_buffer *out) {
  bt_arena arena;
  bt_tokens tokens;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_arena_init(&arena, (size_t)1 << 26);
  bt_diagnostics_init(&diagnostics);
  require(bt_lexer_run(text, &arena, &diagnostics, &tokens, &error) == BT_OK);
  for (size_t i = 0; i < tokens.comment_count; i++) {
    bt_range range = tokens.comments[i].range;
    bt_buffer_append(out, trimmed((bt_str){text.ptr + range.start, range.end - range.start}));
    bt_buffer_append_char(out, '\n');
  }
  bt_tokens_dispose(&tokens);
  bt_diagnostics_dispose(&diagnostics);
  bt_arena_dispose(&arena);
}

/* Both texts say the same to `write`. */
static void require_alike(void (*write)(bt_str text, bt_buffer *out), bt_str a, bt_str b) {
  bt_buffer of_a = {0}, of_b = {0};
  write(a, &of_a);
  write(b, &of_b);
  require(bt_str_equal(bt_buffer_str(&of_a), bt_buffer_str(&of_b)));
  bt_buffer_dispose(&of_a);
  bt_buffer_dispose(&of_b);
}

static void require_formats_to(bt_str text, bt_str expected) {
  bt_buffer out = {0};
  require(format(text, &out));
  require(bt_str_equal(bt_buffer_str(&out), expected));
  bt_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str text = {(const char *)data, size};
  bt_buffer once = {0}, padded = {0};
  if (size + 4 < BT_MAX_RULE_BYTES && format(text, &once) && once.len <= BT_MAX_RULE_BYTES) {
    bt_str formatted = bt_buffer_str(&once);
    require_formats_to(formatted, formatted);
    bt_buffer_append(&padded, BT_STR("\n "));
    bt_buffer_append(&padded, text);
    bt_buffer_append(&padded, BT_STR("\n\t"));
    require_formats_to(bt_buffer_str(&padded), formatted);
    require_alike(outline, text, formatted);
    require_alike(list_comments, text, formatted);
  }
  bt_buffer_dispose(&once);
  bt_buffer_dispose(&padded);
  return 0;
}
