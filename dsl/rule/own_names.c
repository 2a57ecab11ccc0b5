/* Names that a rule file gives. See own_names.h. */
#include "dsl/rule/own_names.h"

bool bt_alias_equal(const bt_alias *a, const bt_alias *b) {
  bool equal = a->key_count == b->key_count;
  for (uint32_t i = 0; equal && i < a->key_count; i++) equal = bt_str_equal(a->keys[i], b->keys[i]);
  return equal;
}

/* `span.k` is the key k with its owner. */
static bool has_owner(bt_str key) {
  static const char *const owners[] = {"span.", "resource.", "scope.", "event.", "link."};
  for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
    if (bt_str_starts_with(key, bt_str_from(owners[i]))) return true;
  return false;
}

static bool stands_before(const bt_alias *alias, uint32_t number) {
  for (uint32_t i = 0; i < number; i++)
    if (bt_str_equal(alias->keys[i], alias->keys[number])) return true;
  return false;
}

void bt_alias_fault(const bt_alias *alias, bt_buffer *out) {
  size_t before = out->len;
  if (alias->key_count < 2 || alias->key_count > BT_ALIAS_KEYS)
    bt_buffer_printf(out, "expected the key that rules say and 1 to %d others, got %u keys", BT_ALIAS_KEYS - 1,
                     alias->key_count);
  for (uint32_t i = 0; i < alias->key_count && out->len == before; i++) {
    bt_str key = alias->keys[i];
    if (!key.len) bt_buffer_printf(out, "expected keys of attributes, got an empty one");
    if (has_owner(key))
      bt_buffer_printf(out, "expected the key alone, got `%.*s`: whose attribute it is, the rule says", BT_FMT(key));
    if (stands_before(alias, i)) bt_buffer_printf(out, "expected each key once, got `%.*s` twice", BT_FMT(key));
  }
}
