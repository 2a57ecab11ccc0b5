/* Arbitrary bytes as an answer of Tempo's tag API, names and values: no crash, and the list is ordered, within its
 * limit and valid UTF-8. */
#include <stdint.h>
#include <stdlib.h>

#include "tempo/api/tags_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 7 };

static void check_list(const bt_tag_list *list) {
  if (list->count > LIMIT) abort();
  for (size_t i = 0; i < list->count; i++) {
    if (!bt_utf8_valid(list->items[i].text)) abort();
    if (i && bt_str_compare(list->items[i - 1].text, list->items[i].text) > 0) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (bt_tag_scope scope = BT_TAG_SPAN; scope <= BT_TAG_ANY; scope++) {
    bt_tag_request request = {.scope = scope, .limit = LIMIT};
    bt_tag_list list = {0};
    bt_error error;
    bt_str body = {(const char *)data, size};
    bt_arena_init(&list.arena, 1 << 20);
    bt_status names = bt_tags_decode_names(body, &request, LIMIT, &list, &error);
    bt_status values = bt_tags_decode_values(body, &request, LIMIT, &list, &error);
    if (names == BT_NO_MEMORY || values == BT_NO_MEMORY) abort();
    check_list(&list);
    bt_tag_list_dispose(&list);
  }
  return 0;
}
