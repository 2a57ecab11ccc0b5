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

static bt_stream_step no_page(void *context, bt_buffer *page) {
  (void)context;
  (void)page;
  return BT_STREAM_END;
}

static void free_nothing(void *context) {
  (void)context;
}

/* What a reader gets: all pages, a heartbeat and the end; or nothing more once a page has failed. */
static bool send_pages(bt_call *call, bt_buffer *sent) {
  static const char *const pages[] = {"[1,2,3,", "\n", "", "4,5,6", "]"};
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    bt_buffer_clear(&call->answer);
    bt_buffer_append(&call->answer, bt_str_from(pages[i]));
    bt_call_pack_page(call, i + 1 == sizeof pages / sizeof *pages);
    if (call->answer.failed) return false;
    bt_buffer_append(sent, bt_buffer_str(&call->answer));
  }
  return true;
}

static void assert_sent(const bt_call *call, const bt_buffer *sent) {
  static const char whole[] = "[1,2,3,\n4,5,6]";
  char text[64] = "";
  z_stream stream = {.next_in = (unsigned char *)sent->ptr,
                     .avail_in = (unsigned)sent->len,
                     .next_out = (unsigned char *)text,
                     .avail_out = sizeof text};
  if (!is_said(call, "content-encoding")) {
    assert_string_equal(sent->ptr, whole);
    return;
  }
  assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
  assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  assert_string_equal(text, whole);
}

static void a_stream_is_packed_page_by_page(void **state) {
  static const bt_stream_operations operations = {no_page, "\n", free_nothing};
  bool was_refused = true;
  (void)state;
  for (size_t n = 0; was_refused; n++) {
    bt_call *call = bt_call_new(1 << 20);
    bt_buffer sent = {0};
    call->accept_encoding = BT_STR("gzip");
    bt_call_stream(call, 200, "application/json", &operations, NULL);
    failing_alloc_after(n);
    bt_call_pack(call);
    bool is_whole = send_pages(call, &sent);
    was_refused = failing_alloc_stop();
    if (is_whole && !sent.failed) assert_sent(call, &sent);
    assert_true(was_refused || (is_whole && is_said(call, "content-encoding")));
    bt_buffer_dispose(&sent);
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
                                     cmocka_unit_test(a_stream_is_packed_page_by_page),
                                     cmocka_unit_test(what_does_not_become_smaller_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
