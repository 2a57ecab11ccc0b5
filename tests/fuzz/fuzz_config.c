/* Files of settings from anywhere: no crash, and each line that was taken has a name and lies within the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/settings/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_arena arena;
  bt_config_line *lines = NULL;
  size_t count = 0;
  unsigned last = 0;
  bt_error error = {0};
  bt_arena_init(&arena, 1 << 22);
  bt_status status = bt_config_file_parse((bt_str){(const char *)data, size}, "fuzz", &arena, &lines, &count, &error);
  require(status == BT_OK || error.message[0]);
  for (size_t i = 0; i < count; i++) {
    require(lines[i].line > last && lines[i].line <= size + 1 && lines[i].name[0]);
    require(strspn(lines[i].name, "abcdefghijklmnopqrstuvwxyz-") == strlen(lines[i].name));
    require(!strpbrk(lines[i].value, "\n") && bt_utf8_valid(bt_str_from(lines[i].value)));
    last = lines[i].line;
  }
  bt_arena_dispose(&arena);
  return 0;
}
