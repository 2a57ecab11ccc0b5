/* Envelopes of reports: base64 in its one form, what is put in comes out, and each allocation that fails. Standard
 * tools verify envelopes in tests/http/test_report_dsse.py, and forgeries are refused there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/compliance/dsse.h"
#include "server/compliance/signature.h"
#include "tests/support/failing_alloc.h"

/* The example of RFC 8410, section 10.3: known to everybody. */
static const char PRIVATE[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                              "-----END PRIVATE KEY-----\n";

static bt_evidence_key *key;

static int set_up(void **state) {
  char path[] = "betrace-dsse-XXXXXX"; /* in the build folder, where ctest starts it */
  bt_error error = {0};
  int file = mkstemp(path);
  (void)state;
  if (file < 0 || write(file, PRIVATE, sizeof PRIVATE - 1) != (ssize_t)sizeof PRIVATE - 1) return 1;
  close(file);
  bt_status status = bt_evidence_private_key(path, &key, &error);
  unlink(path);
  return status != BT_OK;
}

static int tear_down(void **state) {
  (void)state;
  bt_evidence_key_free(key);
  return 0;
}

static void check_base64(const char *bytes, const char *text) {
  bt_buffer out = {0};
  assert_int_equal(bt_base64_append(bt_str_from(bytes), &out, NULL), BT_OK);
  assert_string_equal(out.ptr ? out.ptr : "", text);
  bt_buffer_clear(&out);
  assert_int_equal(bt_base64_decode(bt_str_from(text), &out, NULL), BT_OK);
  assert_string_equal(out.ptr ? out.ptr : "", bytes);
  bt_buffer_dispose(&out);
}

/* The vectors of RFC 4648. */
static void test_base64(void **state) {
  (void)state;
  check_base64("", "");
  check_base64("f", "Zg==");
  check_base64("fo", "Zm8=");
  check_base64("foo", "Zm9v");
  check_base64("foob", "Zm9vYg==");
  check_base64("fooba", "Zm9vYmE=");
  check_base64("foobar", "Zm9vYmFy");
  check_base64("\xfb\xff\xfe", "+//+");
}

static void test_base64_in_another_form(void **state) {
  static const char *const wrong[] = {
      "Z",    "Zg", "Zg=",      "Zh==",       "Zm9=",        " Zg==", "Zg==\n", "Zg== ", "-__-",
      "====", "=",  "Zg==Zg==", "Zm9v\nYg==", "Z\xc3\xa9==", "Z=g=",  "Zm\n8=", "=m8=",  "A===="};
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    bt_buffer out = {0};
    assert_int_equal(bt_base64_decode(bt_str_from(wrong[i]), &out, NULL), BT_INVALID);
    assert_int_equal(out.len, 0);
    bt_buffer_dispose(&out);
  }
}

static bt_status there_and_back(bt_error *error) {
  json_t *envelope = NULL;
  bt_buffer report = {0};
  bt_str text = BT_STR("{\"a report\": [1, 2, 3]}");
  bt_status status = bt_dsse_make(text, key, &envelope, error);
  if (!status) status = bt_dsse_open(envelope, key, &report, error);
  if (!status) {
    assert_true(bt_dsse_is_envelope(envelope));
    assert_true(bt_str_equal(bt_buffer_str(&report), text));
  }
  json_decref(envelope);
  bt_buffer_dispose(&report);
  return status;
}

static void test_each_failure(void **state) {
  bool was_refused = true;
  (void)state;
  for (size_t n = 0; was_refused; n++) {
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = there_and_back(&error);
    was_refused = failing_alloc_stop();
    assert_int_not_equal(status, BT_INVALID); /* it is no forgery that there is no memory */
    assert_int_equal(status == BT_OK, !was_refused);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_base64), cmocka_unit_test(test_base64_in_another_form),
                                     cmocka_unit_test(test_each_failure)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
