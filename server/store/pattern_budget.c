/* What the regexes of a tenant's enabled rules take together, compiled. A write that makes it too much is refused; at
 * the start a rule that does not fit is broken, and the others serve. On the store thread, or before it runs. */
#include "dsl/compile.h"
#include "server/store/store_parts.h"

static size_t bytes_of(const bt_rule_definition *definition) {
  return definition->fields.enabled && definition->rule ? bt_rule_pattern_bytes(definition->rule) : 0;
}

static uint64_t tenant_bytes(const bt_rule_index *index, const char *tenant) {
  size_t count;
  uint64_t bytes = 0;
  const bt_rule_entry *entries = bt_rule_index_tenant(index, tenant, &count);
  for (size_t i = 0; i < count; i++) bytes += bytes_of(entries[i].definition);
  return bytes;
}

/* Less than before is fine, even where it is still too much since the setting was lowered. */
bt_status bt_store_check_patterns(const bt_rule_store *store, const char *tenant, const bt_rule_index *next,
                                  bt_error *error) {
  if (!store->most_pattern_bytes) return BT_OK;
  uint64_t bytes = tenant_bytes(next, tenant);
  if (bytes <= store->most_pattern_bytes || bytes <= tenant_bytes(store->index, tenant)) return BT_OK;
  return bt_error_set(
      error, BT_LIMIT,
      "the regexes of this tenant's enabled rules may take %llu KiB compiled (--pattern-memory). With this change they "
      "would take %llu KiB. Make repetitions like {50} and classes like \\pL smaller, or disable or delete rules that "
      "you do not need",
      (unsigned long long)(store->most_pattern_bytes >> 10), (unsigned long long)(bytes >> 10));
}

bt_status bt_store_fit_patterns(const bt_rule_store *store, uint64_t *tenant_sum, bt_rule_definition *definition,
                                bt_error *error) {
  size_t bytes = bytes_of(definition);
  if (!store->most_pattern_bytes || !bytes) return BT_OK;
  if (bytes <= store->most_pattern_bytes && *tenant_sum <= store->most_pattern_bytes - bytes) {
    *tenant_sum += bytes;
    return BT_OK;
  }
  return bt_rule_definition_break(
      definition, error,
      "its regexes take %zu KiB compiled. The enabled rules of a tenant may take %llu KiB (--pattern-memory), and %llu "
      "KiB are left. Store it with less, or disabled, or raise that setting and restart",
      bytes >> 10, (unsigned long long)(store->most_pattern_bytes >> 10),
      (unsigned long long)((store->most_pattern_bytes - *tenant_sum) >> 10));
}

uint64_t bt_rule_store_most_pattern_bytes(const bt_rule_store *store) {
  return store->most_pattern_bytes;
}
