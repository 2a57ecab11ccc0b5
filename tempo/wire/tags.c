/* Names and values for completion: the bounded list and the calls through the table. See tags.h. */
#include "tempo/wire/tags.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 100, DEFAULT_TIMEOUT_MS = 2000 };
static const size_t list_cap_bytes = (size_t)32
                                     << 20; /* BT_TAGS_LIMIT_MAX of the longest, and what was pushed out of the list */

void bt_tag_list_dispose(bt_tag_list *list) {
  free(list->items);
  bt_arena_dispose(&list->arena);
  *list = (bt_tag_list){0};
}

static int compare_tags(const bt_tag *a, const bt_tag *b) {
  int order = bt_str_compare(a->text, b->text);
  return order ? order : (int)a->type - (int)b->type;
}

/* The place of the first that is not before it. */
static size_t place_of(const bt_tag_list *list, const bt_tag *tag) {
  size_t low = 0, high = list->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_tags(&list->items[middle], tag) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The list keeps the first of the order, so that what it holds does not depend on the order of arrival. */
static bool insert_tag(bt_tag_list *list, size_t place, const bt_tag *tag, size_t limit) {
  bt_tag copy = *tag;
  if (!bt_arena_copy(&list->arena, tag->text, &copy.text)) {
    list->is_cut = true; /* full of what was pushed out: what there is is still true */
    return list->arena.total_bytes + tag->text.len + 64 > list_cap_bytes;
  }
  if (list->count == limit) {
    list->is_cut = true;
    list->count--;
  } else {
    bt_tag *items = bt_grow_array(list->items, list->count, &list->capacity, sizeof *items);
    if (!items) return false;
    list->items = items;
  }
  memmove(list->items + place + 1, list->items + place, (list->count - place) * sizeof *list->items);
  list->items[place] = copy;
  list->count++;
  return true;
}

bool bt_tag_list_add(bt_tag_list *list, const bt_tag_request *request, bt_str text, bt_value_type type) {
  if (!bt_str_starts_with(text, request->prefix)) return true;
  if (text.len > BT_TAG_TEXT_MAX) {
    list->is_cut = true;
    return true;
  }
  bt_tag tag = {text, type};
  size_t place = place_of(list, &tag);
  if (place < list->count && compare_tags(&list->items[place], &tag) == 0) return true;
  if (place == request->limit) {
    list->is_cut = true;
    return true;
  }
  return insert_tag(list, place, &tag, request->limit);
}

static bt_status ask_source(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  bt_tag_request checked = *request;
  *list = (bt_tag_list){0};
  bt_arena_init(&list->arena, list_cap_bytes);
  if (checked.limit > BT_TAGS_LIMIT_MAX)
    return bt_error_set(error, BT_INVALID, "at most %d names or values can be asked for at once", BT_TAGS_LIMIT_MAX);
  if (!checked.limit) checked.limit = DEFAULT_LIMIT;
  if (checked.timeout_ms <= 0) checked.timeout_ms = DEFAULT_TIMEOUT_MS;
  if (!source->operations->tags)
    return bt_error_set(error, BT_UNAVAILABLE, "this source (%s) knows no names", source->name);
  return source->operations->tags(source, &checked, list, error);
}

bt_status bt_source_tag_names(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  bt_tag_request names = *request;
  names.key = (bt_str){NULL, 0};
  *list = (bt_tag_list){0};
  if (request->scope > BT_TAG_ANY)
    return bt_error_set(error, BT_INVALID, "a scope of attributes was expected, to list its keys");
  return ask_source(source, &names, list, error);
}

bt_status bt_source_tag_values(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  bt_tag_request values = *request;
  *list = (bt_tag_list){0};
  if (request->scope >= BT_TAG_SCOPES)
    return bt_error_set(error, BT_INVALID, "a scope that does not exist was asked for");
  if (request->scope > BT_TAG_ANY)
    values.key = BT_STR("");
  else if (!request->key.len)
    return bt_error_set(error, BT_INVALID, "a key was expected, to list its values");
  return ask_source(source, &values, list, error);
}
