/* Derived ids. See violation_id.h: the layout of what is hashed never changes, because spans with these ids are kept
 * elsewhere. */
#include "server/replay/violation_id.h"

#include <pthread.h>
#include <string.h>

#include "server/base/sha256.h"

static pthread_once_t installed = PTHREAD_ONCE_INIT;

static bool digest_fields(const bt_str *fields, size_t count, uint8_t digest[32]) {
  bt_sha256 hash;
  if (bt_sha256_fields(fields, count, &hash, NULL) != BT_OK) return false;
  memcpy(digest, hash.bytes, sizeof hash.bytes);
  return true;
}

static void install(void) {
  bt_own_trace_use(digest_fields);
}

void bt_violation_ids_install(void) {
  (void)pthread_once(&installed, install);
}

bt_status bt_violation_ids_derive(bt_str tenant, bt_str rule_id, bt_str condition_hash, const bt_trace_id *violating,
                                  bt_own_ids *out, bt_error *error) {
  bt_violation_ids_install();
  return bt_own_violation_ids(tenant, rule_id, condition_hash, violating, out) ? BT_OK : bt_error_no_memory(error);
}
