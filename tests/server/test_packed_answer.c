/* An answer that is packed while memory runs out: it is whole, packed or plain, and its headers say which. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "server/http/packed_answer.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

enum { BYTES = 50000 };

static bool is_said(const bt_call *call, const char *name) {
  for (size_t i = 0; i < call->header_count; i++)
    if (strcmp(call->headers[i].name, name) == 0) return true;
  return false;
}

static bt_call *make_call(char fill) {
  bt_call *call = bt_call_new(1 << 20);
  char *text = malloc(BYTES);
  test_random random = test_random_start(3);
  assert_non_null(call);
  assert_non_null(text);
  for (size_t i = 0; i < BYTES; i++) text[i] = fill ? fill : (char)test_random_below(&random, 256);
  call->accept_encoding = BT_STR("gzip");
  bt_call_text(call, 200, "application/json", (bt_str){text, BYTES});
  free(text);
  return call;
}

static void assert_whole(const bt_call *call) {
  char text[BYTES];
  z_stream stream = {.next_in = (unsigned char *)call->answer.ptr,
                     .avail_in = (unsigned)call->answer.len,
                     .next_out = (unsigned char *)text,
                     .avail_out = BYTES};
  if (!is_said(call, "content-encoding")) {
    assert_int_equal(call->answer.len, BYTES);
    return;
  }
  assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
  assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  assert_int_equal(stream.avail_out, 0);
  for (size_t i = 0; i < BYTES; i++) assert_int_equal(text[i], 'a');
}

static void every_allocation_fails_in_turn(void **state) {
  bool was_refused = true;
  (void)state;
  for (size_t n = 0; was_refused; n++) {
    bt_call *call = make_call('a');
    failing_alloc_after(n);
    bt_call_pack(call);
    was_refused = failing_alloc_stop();
    assert_whole(call);
    if (!was_refused) assert_true(is_said(call, "content-encoding") && call->answer.len < BYTES / 100);
    bt_call_free(call);
  }
}

static void what_does_not_become_smaller_stays(void **state) {
  (void)state;
  bt_call *call = make_call(0);
  bt_call_pack(call);
  assert_true(!is_said(call, "content-encoding") && is_said(call, "vary"));
  assert_int_equal(call->answer.len, BYTES);
  bt_call_free(call);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_in_turn),
                                     cmocka_unit_test(what_does_not_become_smaller_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
