/* The account: what each kind holds and the sum of it, under one lock that is held for a few instructions and never
 * while another is asked for. See account.h. Invariant: the total is the sum of the kinds, and at most the limit. */
#include "server/memory/account.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RETURN_PART = 32 }; /* of the limit: with so much freed since the last time it is given back */

struct bt_memory_account {
  size_t limit_bytes;
  pthread_mutex_t mutex; /* guards: */
  bt_memory_view held;
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
  case BT_MEMORY_CONTRASTS: return "contrasts";
  case BT_MEMORY_WATCH: return "watch";
  case BT_MEMORY_KINDS: break;
  }
  return "";
}

bt_status bt_memory_account_new(size_t limit_bytes, bt_memory_account **out, bt_error *error) {
  bt_memory_account *account = *out = calloc(1, sizeof *account);
  if (!account) return bt_error_no_memory(error);
  account->limit_bytes = limit_bytes;
  pthread_mutex_init(&account->mutex, NULL);
  return BT_OK;
}

void bt_memory_account_free(bt_memory_account *account) {
  if (!account) return;
  pthread_mutex_destroy(&account->mutex);
  free(account);
}

size_t bt_memory_limit(const bt_memory_account *account) {
  return account ? account->limit_bytes : SIZE_MAX;
}

bt_memory_view bt_memory_look(bt_memory_account *account) {
  if (!account) return (bt_memory_view){0};
  pthread_mutex_lock(&account->mutex);
  bt_memory_view view = account->held;
  pthread_mutex_unlock(&account->mutex);
  return view;
}

size_t bt_memory_total(bt_memory_account *account) {
  return bt_memory_look(account).total;
}

void bt_memory_set_keeper(bt_memory_account *account, bt_memory_forget forget, void *context) {
  if (!account) return;
  account->forget = forget;
  account->context = context;
}

bool bt_memory_take_beside(bt_memory_account *account, bt_memory_kind kind, size_t bytes, size_t free_bytes) {
  if (!account) return true;
  size_t most = account->limit_bytes > free_bytes ? account->limit_bytes - free_bytes : 0;
  pthread_mutex_lock(&account->mutex);
  bt_memory_view *held = &account->held;
  bool has_room = held->total <= most && bytes <= most - held->total;
  if (has_room) {
    held->total += bytes;
    held->kinds[kind] += bytes;
    if (held->total > held->most) held->most = held->total;
  }
  pthread_mutex_unlock(&account->mutex);
  return has_room;
}

bool bt_memory_take(bt_memory_account *account, bt_memory_kind kind, size_t bytes) {
  if (bt_memory_take_beside(account, kind, bytes, 0)) return true;
  if (!account->forget || bytes > account->limit_bytes) return false;
  account->forget(account->context, bytes);
  return bt_memory_take_beside(account, kind, bytes, 0);
}

void bt_memory_give(bt_memory_account *account, bt_memory_kind kind, size_t bytes) {
  if (!account) return;
  pthread_mutex_lock(&account->mutex);
  account->held.kinds[kind] -= bytes;
  account->held.total -= bytes;
  pthread_mutex_unlock(&account->mutex);
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

bool bt_memory_hold_grow(bt_memory_hold *hold, size_t bytes) {
  return bytes <= SIZE_MAX - hold->bytes && bt_memory_hold_set(hold, hold->bytes + bytes);
}

/* Others of the kind may take some between the look and the taking; then it is asked again, and nobody is made to
 * forget anything for what may not be had. */
static bool may_have(bt_memory_account *account, bt_memory_kind kind, size_t bytes, size_t most_of_kind) {
  size_t held = bt_memory_look(account).kinds[kind];
  return held <= most_of_kind && bytes <= most_of_kind - held;
}

bool bt_memory_hold_grow_within(bt_memory_hold *hold, size_t bytes, size_t most_of_kind) {
  if (!may_have(hold->account, hold->kind, bytes, most_of_kind)) return false;
  if (!bt_memory_hold_grow(hold, bytes)) return false;
  if (may_have(hold->account, hold->kind, 0, most_of_kind)) return true;
  bt_memory_hold_shrink(hold, hold->bytes - bytes);
  return false;
}

void bt_memory_hold_shrink(bt_memory_hold *hold, size_t bytes) {
  if (bytes >= hold->bytes) return;
  bt_memory_give(hold->account, hold->kind, hold->bytes - bytes);
  hold->bytes = bytes;
}

void bt_memory_hold_join(bt_memory_hold *hold, bt_memory_hold *other) {
  hold->bytes += other->bytes;
  other->bytes = 0;
}
