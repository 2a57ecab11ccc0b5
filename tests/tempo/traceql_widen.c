/* For tests that ask a Tempo in the planner's words: prints the wider form of each argument, a filter, on a line of its
 * own; the filter itself where nothing in it is wider. A filter has no line breaks. */
#include <stdio.h>

#include "tests/support/wide_text.h"

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    bt_buffer wider = {0};
    widen_text(bt_str_from(argv[i]), &wider);
    if (wider.failed) return 1;
    printf("%.*s\n", BT_FMT(bt_buffer_str(&wider)));
    bt_buffer_dispose(&wider);
  }
  return 0;
}
