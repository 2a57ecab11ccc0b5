/* Reading pages under an allocator that fails at each call in turn: an error each time, nothing leaked, no descriptor
 * left open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/http/access.h"
#include "tests/server/pages_folder.h"
#include "tests/support/failing_alloc.h"

/* The lowest number that a new descriptor would get. */
static int next_descriptor(void) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(fd);
  return fd;
}

static void test_pages(void **state) {
  char folder[] = "betrace-pages-XXXXXX";
  (void)state;
  pages_folder_make(folder);
  pages_folder_write(folder, "index.html", "i");
  pages_folder_write(folder, "assets/app.js", "x");
  int before = next_descriptor();
  for (size_t n = 0;; n++) {
    bt_access *access = NULL;
    bt_error error = {0};
    assert_true(n < 100);
    failing_alloc_after(n);
    bt_status status = bt_access_new(&(bt_access_options){.ui = folder}, &access, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(access != NULL, !was_refused);
    bt_access_release(access);
    assert_int_equal(next_descriptor(), before);
    if (was_refused) continue;
    assert_true(n >= 5);
    break;
  }
  pages_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
