/* The order in which waiting tasks go: tenants in turn, within a tenant its connections in turn, within a connection
 * first come, first served. So whoever sends a thousand waits behind himself. The links are in the tasks: nothing here
 * allocates, and nothing locks. Thread: the owner's lock. */
#ifndef BT_SERVER_WORK_TURNS_H
#define BT_SERVER_WORK_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bt_task {
  void (*run)(struct bt_task *task); /* on a thread of the pool; the task is its owner's again from then on */
  uint64_t tenant, party;            /* whose it is, as numbers (bt_turns_key); 0: nobody's in particular */
  /* The queue's own. Of the first of a party: its last one and the next party's first; of the first of a tenant:
   * besides, the first of its last party, the next tenant's first, and how many it has. */
  struct bt_task *next, *last, *next_party, *last_party, *next_tenant;
  size_t count;
  bool is_queued; /* the pool's own */
} bt_task;

typedef struct bt_turns { /* all-zero is empty */
  bt_task *first, *last;  /* of tenants: the first of each */
  size_t count;
} bt_turns;

/* A number for a name of `length` bytes. Two names with one number share their turns, and nothing else. */
uint64_t bt_turns_key(const char *name, size_t length);
size_t bt_turns_of_tenant(const bt_turns *turns, uint64_t tenant);
void bt_turns_add(bt_turns *turns, bt_task *task);
/* The next one whose tenant may go now, its owner's as before; NULL: there is none. */
bt_task *bt_turns_take(bt_turns *turns, bool (*may_go)(const void *context, uint64_t tenant), const void *context);
/* Takes a waiting task out, also where it is the turn of another tenant. The others keep their turns. */
void bt_turns_remove(bt_turns *turns, bt_task *task);

#endif
