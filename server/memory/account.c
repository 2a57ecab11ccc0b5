/* The account: one number for all and one for each kind, changed without a lock. See account.h. Invariant: the total is the sum of the kinds, but for changes
 * that are under way. */
#include "server/memory/account.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RETURN_PART = 8 }; /* of the limit: with so much freed since the last time it is given back */

struct bt_memory_account {
  size_t limit_bytes;
  atomic_size_t total, kinds[BT_MEMORY_KINDS];
  atomic_size_t freed; /* since memory was given back to the system */
  bt_memory_forget forget;
  void *context;
};

const char *bt_memory_kind_name(bt_memory_kind kind) {
  switch (kind) {
  case BT_MEMORY_REPLAYS: return "replays";
  case BT_MEMORY_READS: return "reads";
  case BT_MEMORY_VIOLATIONS: return "violations";
  case BT_MEMORY_SERIES: return "series";
  case BT_MEMORY_REPORTS: return "reports";
  case BT_MEMORY_KINDS: break;
  }
  return "";
}

bt_status bt_memory_account_new(size_t limit_bytes, bt_memory_account **out, bt_error *error) {
  bt_memory_account *account = *out = calloc(1, sizeof *account);
  if (!account) return bt_error_no_memory(error);
  account->limit_bytes = limit_bytes;
  return BT_OK;
}

void bt_memory_account_free(bt_memory_account *account) {
  free(account);
}

size_t bt_memory_limit(const bt_memory_account *account) {
  return account ? account->limit_bytes : SIZE_MAX;
}

size_t bt_memory_held(const bt_memory_account *account, bt_memory_kind kind) {
  return account ? atomic_load(&account->kinds[kind]) : 0;
}

size_t bt_memory_total(const bt_memory_account *account) {
  return account ? atomic_load(&account->total) : 0;
}

void bt_memory_set_keeper(bt_memory_account *account, bt_memory_forget forget, void *context) {
  if (!account) return;
  account->forget = forget;
  account->context = context;
}

bool bt_memory_take_beside(bt_memory_account *account, bt_memory_kind kind, size_t bytes, size_t free_bytes) {
  if (!account) return true;
  size_t most = account->limit_bytes > free_bytes ? account->limit_bytes - free_bytes : 0;
  size_t total = atomic_load(&account->total);
  do {
    if (total > most || bytes > most - total) return false;
  } while (!atomic_compare_exchange_weak(&account->total, &total, total + bytes));
  atomic_fetch_add(&account->kinds[kind], bytes);
  return true;
}

bool bt_memory_take(bt_memory_account *account, bt_memory_kind kind, size_t bytes) {
  if (bt_memory_take_beside(account, kind, bytes, 0)) return true;
  if (!account->forget || bytes > account->limit_bytes) return false;
  account->forget(account->context, bytes);
  return bt_memory_take_beside(account, kind, bytes, 0);
}

void bt_memory_add(bt_memory_account *account, bt_memory_kind kind, size_t bytes) {
  if (!account) return;
  atomic_fetch_add(&account->total, bytes);
  atomic_fetch_add(&account->kinds[kind], bytes);
}

void bt_memory_give(bt_memory_account *account, bt_memory_kind kind, size_t bytes) {
  if (!account) return;
  atomic_fetch_sub(&account->kinds[kind], bytes);
  atomic_fetch_sub(&account->total, bytes);
  atomic_fetch_add(&account->freed, bytes);
}

void bt_memory_return(bt_memory_account *account) {
  if (!account || atomic_load(&account->freed) < account->limit_bytes / RETURN_PART) return;
  atomic_store(&account->freed, 0);
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

bool bt_memory_hold_set(bt_memory_hold *hold, size_t bytes) {
  if (bytes > hold->bytes && !bt_memory_take(hold->account, hold->kind, bytes - hold->bytes)) return false;
  if (bytes < hold->bytes) bt_memory_give(hold->account, hold->kind, hold->bytes - bytes);
  hold->bytes = bytes;
  return true;
}

void bt_memory_hold_tell(bt_memory_hold *hold, size_t bytes) {
  if (bytes > hold->bytes)
    bt_memory_add(hold->account, hold->kind, bytes - hold->bytes);
  else
    bt_memory_give(hold->account, hold->kind, hold->bytes - bytes);
  hold->bytes = bytes;
}
