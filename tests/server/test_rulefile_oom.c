/* Every allocation of reading a rule file fails in turn: BT_NO_MEMORY and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/rulefile/rulefile.h"
#include "tests/support/failing_alloc.h"

static const char text[] =
    "{\"groups\": [{\"name\": \"g\", \"rules\": [{\"id\": \"a\", \"name\": \"\\uD83D\\uDE00\", \"description\": \"d\", "
    "\"dsl\": \"x\","
    "\"labels\": {\"k\": \"v\"}, \"annotations\": {\"k\": \"v\"}, \"compliance_frameworks\": [\"SOC2\", \"HIPAA\"],"
    "\"tests\": [{\"trace\": [{\"span\": \"a\", \"id\": \"1\", \"attributes\": {\"n\": [1, 2]}, \"events\": "
    "[{\"name\": \"e\"}], \"links\": [{\"trace\": \"own\", \"span\": \"1\", \"attributes\": {\"n\": 1}}]}],"
    "\"expect\": {\"a\": \"violated\"}, \"witness\": {\"x\": \"1\"}}],"
    "\"example_violation\": {\"trace\": [{\"span\": \"b\"}], \"others\": {\"o\": [{\"span\": \"c\"}]}}}, {\"id\": "
    "\"b\", \"dsl\": \"y\"}]}]}";

static void test_parse(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < 1000);
    bt_rulefile file;
    bt_error error;
    failing_alloc_after(n);
    bt_status status = bt_rulefile_parse(bt_str_from(text), "f.json", &file, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(file.rule_count, was_refused ? 0 : 2);
    bt_rulefile_dispose(&file);
    if (was_refused) continue;
    assert_true(n > 10);
    return;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
