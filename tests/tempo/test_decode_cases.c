/* Runs cases/decode: a document in one of the formats, and what comes of it. A case has one of these inputs: otlp-json,
 * otlp, trace-json, trace, search-json, search. The latter of each pair is in the notation of wire_text.h. It has one
 * of these outputs: `gives` (lines of trace_text.h; "nothing") or `error` (the whole message). `flags` may hold three
 * words. ids: search without spans. lines: otlp-json as a file of several documents. bytes: in JSON, ~ and two hex
 * digits are that byte. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/case_file.h"
#include "tests/tempo/trace_text.h"
#include "tests/tempo/wire_text.h"

static bool has_flag(const text_case *c, const char *flag) {
  const char *flags = case_get(c, "flags");
  return flags && strstr(flags, flag);
}

static bt_status add_row(void *context, const bt_search_row *row, bt_error *error) {
  (void)error;
  text_lines_add_row(context, row);
  return BT_OK;
}

typedef enum input_kind { OTLP_JSON, OTLP, TRACE_JSON, TRACE, SEARCH_JSON, SEARCH } input_kind;
static const char *const input_names[] = {"otlp-json", "otlp", "trace-json", "trace", "search-json", "search"};

static bt_status decode_search(const text_case *c, bt_str body, bool is_json, text_lines *lines, bt_error *error) {
  bt_search_answer answer;
  return bt_tempo_decode_search(body, is_json, !has_flag(c, "ids"), add_row, lines, &answer, error);
}

static bt_status decode_spans(const text_case *c, input_kind kind, bt_str body, bt_span_batch *batch, bt_error *error) {
  bool partial;
  if (kind == OTLP) return bt_otlp_decode_protobuf(body, batch, error);
  if (kind == TRACE || kind == TRACE_JSON)
    return bt_tempo_decode_trace(body, kind == TRACE_JSON, batch, &partial, error);
  return has_flag(c, "lines") ? bt_otlp_decode_json_documents(body, batch, error)
                              : bt_otlp_decode_json(body, batch, error);
}

static char *decode(const text_case *c, input_kind kind, char *bytes, size_t length, bt_error *error) {
  text_lines lines = {0};
  bt_span_batch *batch = NULL;
  bt_str body = {bytes, length};
  bt_status status = bt_span_batch_new(1 << 20, &batch, error);
  if (kind == SEARCH || kind == SEARCH_JSON)
    status = decode_search(c, body, kind == SEARCH_JSON, &lines, error);
  else if (status == BT_OK)
    status = decode_spans(c, kind, body, batch, error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, error);
  if (status == BT_OK) text_lines_add_batch(&lines, batch);
  char *text = text_lines_join(&lines);
  bt_span_batch_free(batch);
  if (status == BT_OK) return text;
  free(text);
  return NULL;
}

/* Expected lines, sorted as text_lines_join sorts: cases are written in that order. */
static bool is_expected(const text_case *c, const char *text, const bt_error *error) {
  const char *gives = case_get(c, "gives"), *message = case_get(c, "error");
  if (!text) return message && strcmp(message, error->message) == 0;
  if (!gives) return false;
  size_t length = strlen(text);
  if (strcmp(gives, "nothing") == 0) return length == 0;
  return length && strlen(gives) == length - 1 && strncmp(gives, text, length - 1) == 0;
}

static const char *find_input(const text_case *c, input_kind *kind) {
  for (unsigned i = 0; i < sizeof input_names / sizeof *input_names; i++) {
    const char *input = case_get(c, input_names[i]);
    *kind = (input_kind)i;
    if (input) return input;
  }
  fprintf(stderr, "%s:%u: no input\n", c->file, c->line);
  exit(1);
}

/* ~ff becomes that byte. */
static void write_bytes(const char *text, bt_buffer *out) {
  bt_buffer_append(out, BT_STR(""));
  for (; *text; text++) {
    char pair[3] = {text[0] == '~' ? text[1] : '\0', text[0] == '~' ? text[2] : '\0', '\0'};
    if (*pair)
      bt_buffer_append_char(out, (char)strtoul(pair, NULL, 16)), text += 2;
    else
      bt_buffer_append_char(out, *text);
  }
}

static void run_case(const text_case *c, void *context) {
  size_t *failures = context;
  input_kind kind;
  const char *input = find_input(c, &kind);
  bt_buffer bytes = {0};
  bool is_json = kind == OTLP_JSON || kind == TRACE_JSON || kind == SEARCH_JSON;
  if (is_json && has_flag(c, "bytes"))
    write_bytes(input, &bytes);
  else if (is_json)
    bt_buffer_append(&bytes, bt_str_from(input));
  else
    wire_text_encode(input, &bytes);
  /* A copy of exactly that size, so that the sanitizer sees a read past its end. */
  char *exact = malloc(bytes.len ? bytes.len : 1);
  assert_non_null(exact);
  memcpy(exact, bytes.ptr, bytes.len);
  bt_error error = {.message = ""};
  char *text = decode(c, kind, exact, bytes.len, &error);
  if (!is_expected(c, text, &error)) {
    fprintf(stderr, "%s:%u: %s\n%s%s\n", c->file, c->line, c->comment, text ? "gives " : "error ",
            text ? text : error.message);
    ++*failures;
  }
  free(text);
  free(exact);
  bt_buffer_dispose(&bytes);
}

static void test_cases(void **state) {
  (void)state;
  size_t failures = 0;
  size_t count = case_run_folder("cases/decode", run_case, &failures);
  assert_true(count > 50);
  assert_int_equal(failures, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
