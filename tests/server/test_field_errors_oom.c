/* What is wrong with a body stays wrong where there is no memory to say so: such a body would be taken as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "server/http/call.h"

static size_t left; /* allocations of JSON that still succeed */

static void *allocate_few(size_t size) {
  return left && left-- ? malloc(size) : NULL;
}

static void test_no_memory(void **state) {
  (void)state;
  json_set_alloc_funcs(allocate_few, free);
  for (size_t n = 0; n < 20; n++) {
    bt_field_errors errors = {0};
    assert_false(bt_field_errors_any(&errors));
    left = n;
    bt_field_errors_add(&errors, "dsl", "has to be there");
    assert_true(bt_field_errors_any(&errors));
    json_decref(errors.items);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
