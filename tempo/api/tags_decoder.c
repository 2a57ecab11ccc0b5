/* Names and values out of Tempo's tag API. See tags_decoder.h. Texts of an answer are copied into the list. */
#include "tempo/api/tags_decoder.h"

#include "tempo/wire/json_reader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const size_t scratch_bytes = (size_t)16 << 20; /* texts with escapes */

typedef struct decoder {
  bt_json json;
  const bt_tag_request *request;
  size_t limit, count;
  bt_tag_list *list;
  bt_status status; /* BT_NO_MEMORY of the list */
} decoder;

static void add_tag(decoder *d, bt_str text, bt_value_type type) {
  if (++d->count >= d->limit) d->list->is_cut = true;
  if (d->status == BT_OK && !bt_tag_list_add(d->list, d->request, text, type)) d->status = BT_NO_MEMORY;
}

static bool is_scope_asked(bt_tag_scope asked, bt_str name) {
  static const char *const names[] = {"span", "resource", "event", "link", "instrumentation"};
  if (asked == BT_TAG_ANY) return bt_str_equal(name, BT_STR("span")) || bt_str_equal(name, BT_STR("resource"));
  return (size_t)asked < COUNT(names) && bt_str_equal(name, bt_str_from(names[asked]));
}

static void read_keys(decoder *d) {
  bt_str key;
  d->count = 0; /* the limit is for each scope */
  bt_json_open_array(&d->json);
  while (bt_json_next_item(&d->json))
    if (bt_json_string(&d->json, &key)) add_tag(d, key, BT_VALUE_MISSING);
}

/* The name may come after the keys. */
static void read_scope(decoder *d) {
  static const bt_json_name names[] = {BT_JSON_NAME("name", 0), BT_JSON_NAME("tags", 1)};
  bt_str name = BT_STR("");
  bt_json keys = {.start = NULL};
  uint32_t seen = 0;
  unsigned bit;
  bt_json_open_object(&d->json);
  while (bt_json_next_known(&d->json, names, COUNT(names), &seen, &bit)) {
    if (bit == 0)
      bt_json_string(&d->json, &name);
    else
      keys = d->json, bt_json_skip(&d->json);
  }
  if (d->json.problem || !keys.start || !is_scope_asked(d->request->scope, name)) return;
  bt_json rest = d->json;
  d->json = keys;
  read_keys(d);
  if (!d->json.problem) d->json = rest;
}

static bt_value_type type_of(bt_str name) {
  if (bt_str_equal(name, BT_STR("int"))) return BT_VALUE_INT;
  if (bt_str_equal(name, BT_STR("float"))) return BT_VALUE_DOUBLE;
  if (bt_str_equal(name, BT_STR("bool"))) return BT_VALUE_BOOL;
  return BT_VALUE_STRING; /* keyword too */
}

/* Without "value" it is the empty text. */
static void read_value(decoder *d) {
  static const bt_json_name names[] = {BT_JSON_NAME("type", 0), BT_JSON_NAME("value", 1)};
  bt_str type = BT_STR(""), value = BT_STR("");
  uint32_t seen = 0;
  unsigned bit;
  bt_json_open_object(&d->json);
  while (bt_json_next_known(&d->json, names, COUNT(names), &seen, &bit))
    bt_json_string(&d->json, bit == 0 ? &type : &value);
  if (!d->json.problem) add_tag(d, value, type_of(type));
}

static bt_status decode_tags(bt_str body, const char *key, void (*read)(decoder *), const bt_tag_request *request,
                             size_t limit, bt_tag_list *list, bt_error *error) {
  decoder d = {.request = request, .limit = limit, .list = list};
  const bt_json_name names[] = {{bt_str_from(key), 0}, {BT_STR("metrics"), 1}};
  uint32_t seen = 0;
  unsigned bit;
  bt_arena scratch;
  bt_arena_init(&scratch, scratch_bytes);
  bt_json_init(&d.json, body, &scratch);
  bt_json_open_object(&d.json);
  while (bt_json_next_known(&d.json, names, COUNT(names), &seen, &bit)) {
    if (bit == 1) {
      bt_json_skip(&d.json);
      continue;
    }
    bt_json_open_array(&d.json);
    while (bt_json_next_item(&d.json)) read(&d);
  }
  if (!d.json.problem && !(seen & 3)) bt_json_stop(&d.json, "expected an answer of Tempo's tag API");
  if (!bt_json_at_end(&d.json)) bt_json_stop(&d.json, "expected the end of the text");
  bt_status status = d.status == BT_OK ? bt_json_status(&d.json, error) : bt_error_no_memory(error);
  bt_arena_dispose(&scratch);
  return status;
}

bt_status bt_tags_decode_names(bt_str body, const bt_tag_request *request, size_t limit, bt_tag_list *list,
                               bt_error *error) {
  return decode_tags(body, "scopes", read_scope, request, limit, list, error);
}

bt_status bt_tags_decode_values(bt_str body, const bt_tag_request *request, size_t limit, bt_tag_list *list,
                                bt_error *error) {
  return decode_tags(body, "tagValues", read_value, request, limit, list, error);
}
