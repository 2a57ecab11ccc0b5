/* zstd: frames alone, several, behind what holds no data, and with a length before each. What is cut off or damaged is
 * said. Any pieces of the input give the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "tempo/files/file_source.h"
#include "tempo/wire/zstd.h"

static void add_frame(bt_buffer *out, bt_str content, bool has_length) {
  char packed[1024];
  size_t size = ZSTD_compress(packed, sizeof packed, content.ptr, content.len, 3);
  assert_false(ZSTD_isError(size));
  char length[4] = {0, 0, (char)(size >> 8), (char)size};
  if (has_length) bt_buffer_append(out, (bt_str){length, sizeof length});
  bt_buffer_append(out, (bt_str){packed, size});
}

static bt_status keep(void *context, bt_str piece, bt_error *error) {
  bt_buffer_append(context, piece);
  return ((bt_buffer *)context)->failed ? bt_error_set(error, BT_LIMIT, "enough") : BT_OK;
}

static bt_status unpack(bt_str input, size_t step, bt_buffer *out, bt_error *error) {
  bt_zstd *zstd = NULL;
  bt_status status = bt_zstd_new(input, &zstd, error);
  for (size_t at = 0; status == BT_OK && at < input.len; at += step) {
    size_t length = input.len - at < step ? input.len - at : step;
    status = bt_zstd_feed(zstd, (bt_str){input.ptr + at, length}, keep, out, error);
  }
  if (status == BT_OK) status = bt_zstd_end(zstd, error);
  bt_zstd_free(zstd);
  return status;
}

static void check(const bt_buffer *packed, bt_str expected) {
  bt_str input = bt_buffer_str(packed);
  assert_true(bt_zstd_is(input));
  for (size_t step = 1; step <= input.len; step++) {
    bt_buffer out = {0};
    bt_error error = {0};
    if (unpack(input, step, &out, &error) != BT_OK) fail_msg("%s", error.message);
    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.ptr, expected.ptr, expected.len);
    bt_buffer_dispose(&out);
  }
}

static void test_forms(void **state) {
  (void)state;
  bt_buffer packed = {0};
  add_frame(&packed, BT_STR("{\"a\":1}\n"), false);
  check(&packed, BT_STR("{\"a\":1}\n"));
  add_frame(&packed, BT_STR("{}\n"), false);
  check(&packed, BT_STR("{\"a\":1}\n{}\n"));
  bt_buffer_clear(&packed);
  bt_buffer_append(&packed, BT_STR("\x50\x2A\x4D\x18\x02\0\0\0xx"));
  add_frame(&packed, BT_STR("{}"), false);
  check(&packed, BT_STR("{}"));
  bt_buffer_clear(&packed);
  add_frame(&packed, BT_STR("{\"a\":1}"), true);
  add_frame(&packed, BT_STR("{}"), true);
  check(&packed, BT_STR("{\"a\":1}\n{}\n"));
  bt_buffer_clear(&packed);
  add_frame(&packed, BT_STR("\x0a\x01x"), true);
  add_frame(&packed, BT_STR("\x0a\x02xy"), true);
  check(&packed, BT_STR("\0\0\0\x03\x0a\x01x\0\0\0\x04\x0a\x02xy"));
  bt_buffer_dispose(&packed);
}

static void check_refused(bt_str input, bt_status expected, const char *message) {
  bt_buffer out = {.maximum = 5000};
  bt_error error = {0};
  assert_int_equal(unpack(input, input.len, &out, &error), expected);
  if (!strstr(error.message, message)) fail_msg("%s", error.message);
  bt_buffer_dispose(&out);
}

static void test_what_is_wrong(void **state) {
  (void)state;
  for (int has_length = 0; has_length < 2; has_length++) {
    bt_buffer packed = {0};
    add_frame(&packed, BT_STR("{\"a\":1}\n"), has_length);
    size_t end = packed.len;
    for (size_t cut = 8; cut < end; cut++) check_refused((bt_str){packed.ptr, cut}, BT_INVALID, "is cut off after ");
    bt_buffer_append(&packed, BT_STR("more than a frame has"));
    check_refused(bt_buffer_str(&packed), BT_INVALID, "is damaged after 8");
    bt_buffer_dispose(&packed);
  }
  bt_buffer packed = {0};
  add_frame(&packed, BT_STR("{\"a\":1}\n"), true);
  packed.ptr[3]--; /* the frame is longer than said */
  check_refused(bt_buffer_str(&packed), BT_INVALID, "is cut off after ");
  bt_buffer_clear(&packed);
  char zeros[6000] = {0};
  add_frame(&packed, (bt_str){zeros, sizeof zeros}, false);
  check_refused(bt_buffer_str(&packed), BT_LIMIT, "enough");
  bt_buffer_dispose(&packed);
  /* A window of 2 GiB. */
  check_refused(BT_STR("\x28\xB5\x2F\xFD\x00\xA8\x01\0\0x"), BT_LIMIT, "a window of more than 128 MiB");
  assert_false(bt_zstd_is(BT_STR("")) || bt_zstd_is(BT_STR("\x28\xB5\x2F")) || bt_zstd_is(BT_STR("{}      ")));
}

static void test_a_file_of_traces(void **state) {
  (void)state;
  char path[] = P_tmpdir "/betrace-zstd-XXXXXX";
  bt_buffer packed = {0};
  for (int i = 1; i <= 3; i++) {
    char document[400];
    snprintf(document, sizeof document,
             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0000000000000000000000000000000%d\","
             "\"spanId\":\"0000000000000001\",\"startTimeUnixNano\":1,\"endTimeUnixNano\":2}]}]}]}",
             i);
    add_frame(&packed, bt_str_from(document), true);
  }
  int descriptor = mkstemp(path);
  assert_int_equal(write(descriptor, packed.ptr, packed.len), packed.len);
  close(descriptor);
  bt_source *source;
  bt_error error = {0};
  const char *paths[] = {path};
  if (bt_file_source_open(paths, 1, 0, &source, &error) != BT_OK) fail_msg("%s", error.message);
  assert_int_equal(bt_file_source_trace_count(source), 3);
  bt_source_free(source);
  assert_int_equal(bt_file_source_open(paths, 1, 300, &source, &error), BT_LIMIT);
  assert_non_null(strstr(error.message, "unpacked it is larger than the 300 bytes allowed"));
  unlink(path);
  bt_buffer_dispose(&packed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forms),
      cmocka_unit_test(test_what_is_wrong),
      cmocka_unit_test(test_a_file_of_traces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
