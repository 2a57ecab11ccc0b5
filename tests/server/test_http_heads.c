/* Heads before the library sees them, bodies in chunks cut at every byte, and the memory that bodies share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/http/body_budget.h"
#include "server/http/chunks.h"
#include "server/http/head.h"

#define GET "GET /p HTTP/1.1\r\nHost: h\r\n"

static void test_heads(void **state) {
  static const struct {
    const char *text;
    bt_status status;
    int refused;
    const char *head; /* that the library reads; NULL: not looked at */
    uint64_t body_bytes;
    bool is_chunked, wants_continue;
  } cases[] = {
      {GET "\r\n", BT_OK, 0, GET "\r\n", 0, false, false},
      {GET "\r\nrest", BT_OK, 0, GET "\r\n", 0, false, false},
      {GET, BT_NOT_FOUND, 0, NULL, 0, false, false},
      {"", BT_NOT_FOUND, 0, NULL, 0, false, false},
      {"\r\n" GET "\r\n", BT_OK, 0, GET "\r\n", 0, false, false},
      {"GET /p\r\n\r\n", BT_INVALID, 0, NULL, 0, false, false},
      {GET "X : y\r\n\r\n", BT_INVALID, 0, NULL, 0, false, false},
      {GET "Content-Length: 12\r\nA: b\r\n\r\n", BT_OK, 0, GET "A: b\r\n\r\n", 12, false, false},
      {GET "transfer-encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n", BT_OK, 0, GET "\r\n", 0, true, true},
      {GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", BT_OK, 400, NULL, 1, false, false},
      {GET "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", BT_OK, 400, NULL, 1, true, false},
      {GET "Content-Length: +1\r\n\r\n", BT_OK, 400, GET "\r\n", 0, false, false},
      {GET "Content-Length:\r\n\r\n", BT_OK, 400, GET "\r\n", 0, false, false},
      {GET "Content-Length: 9999999999999999999\r\n\r\n", BT_OK, 400, GET "\r\n", 0, false, false},
      {GET "Transfer-Encoding: gzip, chunked\r\n\r\n", BT_OK, 400, GET "\r\n", 0, false, false},
      {"GET /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BT_OK, 400, "GET /p HTTP/1.0\r\n\r\n", 0, false, false},
      {GET "Expect: more\r\n\r\n", BT_OK, 417, GET "\r\n", 0, false, false},
      {GET "A: b\r\n c\r\n\r\n", BT_OK, 400, GET "A: b\r\n\r\n", 0, false, false},
      {"GET http://h:1/p?q HTTP/1.1\r\nHost: other\r\n\r\n", BT_OK, 0, "GET /p?q HTTP/1.1\r\nHost: h:1\r\n\r\n", 0,
       false, false},
      {"GET HTTPS://h HTTP/1.1\r\n\r\n", BT_OK, 0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, false, false},
      {"GET http://h?q HTTP/1.1\r\n\r\n", BT_OK, 0, "GET /?q HTTP/1.1\r\nHost: h\r\n\r\n", 0, false, false},
      {"GET http:///p HTTP/1.1\r\nHost: h\r\n\r\n", BT_OK, 400, NULL, 0, false, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bt_http_head head;
    bt_str text = bt_str_from(cases[i].text);
    assert_int_equal(bt_http_head_read(text, 0, &head), cases[i].status);
    assert_int_equal(head.refusal.status, cases[i].refused);
    if (cases[i].head) assert_string_equal(head.text.ptr, cases[i].head);
    assert_int_equal(head.body_bytes, cases[i].body_bytes);
    assert_int_equal(head.is_chunked, cases[i].is_chunked);
    assert_int_equal(head.wants_continue, cases[i].wants_continue);
    bt_buffer_dispose(&head.text);
  }
}

static void test_heads_that_do_not_end(void **state) {
  static char text[BT_HEAD_MAX_BYTES + 10];
  bt_http_head head;
  (void)state;
  memset(text, 'x', sizeof text);
  memcpy(text, GET "X: ", strlen(GET "X: "));
  assert_int_equal(bt_http_head_read((bt_str){text, BT_HEAD_MAX_BYTES - 1}, 0, &head), BT_NOT_FOUND);
  assert_int_equal(bt_http_head_read((bt_str){text, BT_HEAD_MAX_BYTES}, 0, &head), BT_LIMIT);
  assert_int_equal(bt_http_head_read((bt_str){text, sizeof text}, BT_HEAD_MAX_BYTES - 1, &head), BT_LIMIT);
}

/* Reads it in two pieces, cut at every byte. */
static void check_chunks(const char *text, bt_status expected, const char *data, size_t rest) {
  size_t length = strlen(text), used, used_of_rest = 0;
  for (size_t cut = 0; cut <= length; cut++) {
    bt_chunks chunks = {0};
    bt_buffer out = {.maximum = 100};
    bt_status status = bt_chunks_read(&chunks, (bt_str){text, cut}, &out, &used);
    if (!status) status = bt_chunks_read(&chunks, (bt_str){text + used, length - used}, &out, &used_of_rest);
    assert_int_equal(status, expected);
    if (!status && data) {
      assert_int_equal(chunks.state, BT_CHUNKS_END);
      assert_string_equal(out.ptr ? out.ptr : "", data);
      assert_int_equal(length - used - used_of_rest, rest);
    } else if (!status) {
      assert_int_not_equal(chunks.state, BT_CHUNKS_END);
    }
    bt_buffer_dispose(&out);
  }
}

static void test_chunks(void **state) {
  (void)state;
  check_chunks("0\r\n\r\n", BT_OK, "", 0);
  check_chunks("5\r\nhello\r\n0\r\n\r\nGET", BT_OK, "hello", 3);
  check_chunks("2;a=\"b\"\r\nhe\r\n00000003\r\nllo\r\n0;x\r\nA: b\r\nC: d\r\n\r\n", BT_OK, "hello", 0);
  check_chunks("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", BT_OK, "01234567890123456789", 0);
  check_chunks("5\r\nhello\r\n0\r\n", BT_OK, NULL, 0);
  check_chunks("5\r\nhelloX\r\n0\r\n\r\n", BT_INVALID, NULL, 0);
  check_chunks("5\nhello\r\n0\r\n\r\n", BT_INVALID, NULL, 0);
  check_chunks("000000005\r\nhello\r\n0\r\n\r\n", BT_INVALID, NULL, 0);
  check_chunks("5 \r\nhello\r\n0\r\n\r\n", BT_INVALID, NULL, 0);
  check_chunks("\r\n", BT_INVALID, NULL, 0);
  check_chunks("-5\r\n", BT_INVALID, NULL, 0);
  check_chunks("0\r\nA: b\n\r\n", BT_INVALID, NULL, 0);
}

static void test_chunks_that_are_too_large(void **state) {
  static char text[200];
  (void)state;
  memset(text, 'x', sizeof text - 1);
  memcpy(text, "ff\r\n", 4);
  bt_chunks chunks = {0};
  bt_buffer out = {.maximum = 100};
  size_t used;
  assert_int_equal(bt_chunks_read(&chunks, bt_str_from(text), &out, &used), BT_LIMIT);
  bt_buffer_dispose(&out);
}

static void test_budget(void **state) {
  (void)state;
  bt_body_budget *budget = bt_body_budget_new(100);
  bt_str a = BT_STR("a"), b = BT_STR("b"), c = BT_STR("c");
  assert_non_null(budget);
  assert_false(bt_body_budget_take(budget, a, 51));
  assert_true(bt_body_budget_take(budget, a, 30));
  assert_true(bt_body_budget_take(budget, a, 20)); /* half is a's */
  assert_false(bt_body_budget_take(budget, a, 1));
  assert_false(bt_body_budget_take(budget, b, 26));
  assert_true(bt_body_budget_take(budget, b, 25)); /* and half of the rest b's */
  assert_false(bt_body_budget_take(budget, b, 1));
  assert_true(bt_body_budget_take(budget, c, 1)); /* who comes new finds room */
  bt_body_budget_give(budget, a, 50);
  assert_true(bt_body_budget_take(budget, b, 8)); /* 33 of 100, as much as a third */
  assert_true(bt_body_budget_take(budget, c, 20));
  assert_true(bt_body_budget_take(budget, a, 10));
  bt_body_budget_give(budget, b, 33);
  bt_body_budget_give(budget, c, 21);
  bt_body_budget_give(budget, a, 10);
  assert_false(bt_body_budget_take(budget, a, SIZE_MAX));
  assert_true(bt_body_budget_take(budget, a, 50)); /* nothing is held any more: there is room for all of it again */
  bt_body_budget_free(budget);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_heads),  cmocka_unit_test(test_heads_that_do_not_end),
      cmocka_unit_test(test_chunks), cmocka_unit_test(test_chunks_that_are_too_large),
      cmocka_unit_test(test_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
