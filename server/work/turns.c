/* Turns. See turns.h. */
#include "server/work/turns.h"

uint64_t bt_turns_key(const char *name, size_t length) {
  uint64_t key = UINT64_C(14695981039346656037); /* FNV-1a */
  for (size_t i = 0; i < length; i++) key = (key ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
  return key;
}

static bt_task *find_tenant(const bt_turns *turns, uint64_t tenant) {
  bt_task *first = turns->first;
  while (first && first->tenant != tenant) first = first->next_tenant;
  return first;
}

size_t bt_turns_of_tenant(const bt_turns *turns, uint64_t tenant) {
  const bt_task *first = find_tenant(turns, tenant);
  return first ? first->count : 0;
}

static void add_tenant(bt_turns *turns, bt_task *first) {
  first->next_tenant = NULL;
  if (turns->last)
    turns->last->next_tenant = first;
  else
    turns->first = first;
  turns->last = first;
}

static void add_to_tenant(bt_task *tenant, bt_task *task) {
  bt_task *party = tenant;
  while (party && party->party != task->party) party = party->next_party;
  tenant->count++;
  if (party) {
    party->last->next = task;
    party->last = task;
  } else {
    tenant->last_party->next_party = task;
    tenant->last_party = task;
  }
}

void bt_turns_add(bt_turns *turns, bt_task *task) {
  bt_task *tenant = find_tenant(turns, task->tenant);
  task->next = task->next_party = task->next_tenant = NULL;
  task->last = task->last_party = task;
  task->count = 1;
  turns->count++;
  if (tenant)
    add_to_tenant(tenant, task);
  else
    add_tenant(turns, task);
}

static void cut_tenant(bt_turns *turns, bt_task *before, bt_task *tenant) {
  if (before)
    before->next_tenant = tenant->next_tenant;
  else
    turns->first = tenant->next_tenant;
  if (turns->last == tenant) turns->last = before;
}

/* What is left of the taken task's party goes behind the tenant's other parties. Returns the tenant's first task now;
 * NULL: it has none. */
static bt_task *rest_of_tenant(bt_task *taken) {
  bt_task *rest = taken->next, *first = taken->next_party ? taken->next_party : rest;
  bt_task *last_party = taken->last_party == taken ? NULL : taken->last_party;
  if (!first) return NULL;
  if (rest) {
    rest->last = taken->last;
    rest->next_party = NULL;
    if (last_party) last_party->next_party = rest;
    last_party = rest;
  }
  first->last_party = last_party;
  first->count = taken->count - 1;
  return first;
}

bt_task *bt_turns_take(bt_turns *turns, bool (*may_go)(const void *context, uint64_t tenant), const void *context) {
  bt_task *before = NULL, *taken = turns->first;
  while (taken && !may_go(context, taken->tenant)) {
    before = taken;
    taken = taken->next_tenant;
  }
  if (!taken) return NULL;
  cut_tenant(turns, before, taken);
  bt_task *rest = rest_of_tenant(taken);
  if (rest) add_tenant(turns, rest);
  turns->count--;
  return taken;
}

/* ---- taking one out of the middle ---- */

static void remove_from_party(bt_task *party, bt_task *task) {
  bt_task *before = party;
  while (before->next != task) before = before->next;
  before->next = task->next;
  if (party->last == task) party->last = before;
}

/* What stands in the place of a party whose first task goes: its second one, or the next party. *last_party: what the
 * last party is then, where it was this one. */
static bt_task *without_first(bt_task *task, bt_task *party_before, bt_task **last_party) {
  bt_task *rest = task->next;
  if (rest) {
    rest->last = task->last;
    rest->next_party = task->next_party;
  }
  if (*last_party == task) *last_party = rest ? rest : party_before;
  return rest ? rest : task->next_party;
}

/* The tenant's first task goes. */
static void remove_first(bt_turns *turns, bt_task *before, bt_task *task) {
  bt_task *last_party = task->last_party, *first = without_first(task, NULL, &last_party);
  if (!first) {
    cut_tenant(turns, before, task);
    return;
  }
  first->last_party = last_party;
  first->count = task->count - 1;
  first->next_tenant = task->next_tenant;
  if (before)
    before->next_tenant = first;
  else
    turns->first = first;
  if (turns->last == task) turns->last = first;
}

void bt_turns_remove(bt_turns *turns, bt_task *task) {
  bt_task *before = NULL, *tenant = turns->first, *party_before = NULL;
  while (tenant->tenant != task->tenant) {
    before = tenant;
    tenant = tenant->next_tenant;
  }
  turns->count--;
  if (tenant == task) {
    remove_first(turns, before, task);
    return;
  }
  bt_task *party = tenant;
  while (party->party != task->party) {
    party_before = party;
    party = party->next_party;
  }
  tenant->count--;
  if (party == task)
    party_before->next_party = without_first(task, party_before, &tenant->last_party);
  else
    remove_from_party(party, task);
}
