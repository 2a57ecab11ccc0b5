/* Counts of bytes by tenant, under one mutex. See body_budget.h. */
#include "server/http/body_budget.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "dsl/base/arena.h"

typedef struct tenant_share { /* of a tenant that holds something */
  uint64_t tenant;            /* hash of its name: two that meet share one share */
  size_t held_bytes;
} tenant_share;

struct bt_body_budget {
  pthread_mutex_t mutex; /* guards all below */
  size_t limit_bytes, held_bytes;
  tenant_share *shares;
  size_t share_count, share_capacity;
};

bt_body_budget *bt_body_budget_new(size_t limit_bytes) {
  bt_body_budget *budget = calloc(1, sizeof *budget);
  if (!budget) return NULL;
  pthread_mutex_init(&budget->mutex, NULL);
  budget->limit_bytes = limit_bytes;
  return budget;
}

void bt_body_budget_free(bt_body_budget *budget) {
  if (!budget) return;
  pthread_mutex_destroy(&budget->mutex);
  free(budget->shares);
  free(budget);
}

/* NULL: this tenant holds nothing. */
static tenant_share *find_share(const bt_body_budget *budget, uint64_t tenant) {
  for (size_t i = 0; i < budget->share_count; i++)
    if (budget->shares[i].tenant == tenant) return &budget->shares[i];
  return NULL;
}

static tenant_share *add_share(bt_body_budget *budget, uint64_t tenant) {
  tenant_share *grown =
      bt_grow_array(budget->shares, budget->share_count, &budget->share_capacity, sizeof *budget->shares);
  if (!grown) return NULL;
  budget->shares = grown;
  grown[budget->share_count] = (tenant_share){.tenant = tenant};
  return &grown[budget->share_count++];
}

bool bt_body_budget_take(bt_body_budget *budget, bt_str tenant, size_t bytes) {
  uint64_t hash = bt_str_hash(tenant);
  pthread_mutex_lock(&budget->mutex);
  tenant_share *share = find_share(budget, hash);
  size_t held = share ? share->held_bytes : 0, free_bytes = budget->limit_bytes - budget->held_bytes;
  bool fits = held <= free_bytes && bytes <= (free_bytes - held) / 2; /* what it then holds, as much is still free */
  if (fits && bytes && !share) share = add_share(budget, hash);
  fits = fits && (share || !bytes);
  if (fits && bytes) {
    share->held_bytes += bytes;
    budget->held_bytes += bytes;
  }
  pthread_mutex_unlock(&budget->mutex);
  return fits;
}

void bt_body_budget_give(bt_body_budget *budget, bt_str tenant, size_t bytes) {
  if (!bytes) return;
  pthread_mutex_lock(&budget->mutex);
  tenant_share *share = find_share(budget, bt_str_hash(tenant));
  assert(share && share->held_bytes >= bytes);
  share->held_bytes -= bytes;
  budget->held_bytes -= bytes;
  if (!share->held_bytes) *share = budget->shares[--budget->share_count];
  pthread_mutex_unlock(&budget->mutex);
}
