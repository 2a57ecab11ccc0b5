/* One account of memory, with --memory-limit: what replays and other answers hold, and what running jobs hold
 * meanwhile, by kind. Code that wants more asks here first and goes without if there is no room: then its answer says
 * so (results_full), and the others go on. The account counts what others allocate and allocates nothing for them. Code
 * that gets no room holds nothing, so what is held is never more than the limit. Thread: every function may be called
 * from any thread, with any lock except the keeper's. A NULL account has no limit, for programs that run alone. */
#ifndef BT_SERVER_MEMORY_ACCOUNT_H
#define BT_SERVER_MEMORY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"

typedef struct bt_memory_account bt_memory_account;

typedef enum bt_memory_kind {
  BT_MEMORY_REPLAYS,    /* replays that are kept, running and finished, with their rules and violations */
  BT_MEMORY_READS,      /* of whoever runs: which traces are known, sets of them, a page that is read */
  BT_MEMORY_VIOLATIONS, /* violations on demand */
  BT_MEMORY_SERIES,     /* counts of steps */
  BT_MEMORY_REPORTS,    /* compliance reports, finished and being made */
  BT_MEMORY_CONTRASTS,  /* samples of contrasts */
  BT_MEMORY_WATCH,      /* traces that watch has seen, and violations that it has found */
  BT_MEMORY_KINDS
} bt_memory_kind;
const char *bt_memory_kind_name(bt_memory_kind kind); /* "replays", … */

/* new. BT_NO_MEMORY alone. */
bt_status bt_memory_account_new(size_t limit_bytes, bt_memory_account **out, bt_error *error) BT_MUST_CHECK;
void bt_memory_account_free(bt_memory_account *account); /* NULL is fine */
size_t bt_memory_limit(const bt_memory_account *account);

typedef struct bt_memory_view { /* of one moment: the kinds are the total */
  size_t total, kinds[BT_MEMORY_KINDS];
  size_t most; /* that the total ever was */
} bt_memory_view;
bt_memory_view bt_memory_look(bt_memory_account *account);
size_t bt_memory_total(bt_memory_account *account);

/* Who keeps what may be forgotten: `forget` lets go of some of it until so many bytes are free, as far as it can.
 * Called without a lock of the account, by whoever wants the room, so that it may take its own lock and no other. Set
 * once, before anybody takes. */
typedef void (*bt_memory_forget)(void *context, size_t wanted_bytes);
void bt_memory_set_keeper(bt_memory_account *account, bt_memory_forget forget, void *context);

/* False: there is no room, also after the keeper was asked. */
bool bt_memory_take(bt_memory_account *account, bt_memory_kind kind, size_t bytes) BT_MUST_CHECK;
/* The same without asking the keeper, and keeping so much free for others: for the keeper itself, under its lock. */
bool bt_memory_take_beside(bt_memory_account *account, bt_memory_kind kind, size_t bytes,
                           size_t free_bytes) BT_MUST_CHECK;
void bt_memory_give(bt_memory_account *account, bt_memory_kind kind, size_t bytes);

/* Gives what was freed back to the system, when it is much since the last time. For the ends of jobs, outside of locks:
 * it may take a few milliseconds. */
void bt_memory_return(bt_memory_account *account);

/* What one thing holds, as it grows and shrinks. */
typedef struct bt_memory_hold {
  bt_memory_account *account;
  bt_memory_kind kind;
  size_t bytes;
} bt_memory_hold;
/* False: no room for more, and nothing has changed. Ask before you allocate. */
bool bt_memory_hold_set(bt_memory_hold *hold, size_t bytes) BT_MUST_CHECK;
bool bt_memory_hold_grow(bt_memory_hold *hold, size_t bytes) BT_MUST_CHECK;
/* The same, and all of its kind hold at most so many bytes then. */
bool bt_memory_hold_grow_within(bt_memory_hold *hold, size_t bytes, size_t most_of_kind) BT_MUST_CHECK;
void bt_memory_hold_shrink(bt_memory_hold *hold, size_t bytes); /* to at most so many */
/* What `other` holds is this one's now; both are of one account and kind. */
void bt_memory_hold_join(bt_memory_hold *hold, bt_memory_hold *other);

/* What an allocation of so many bytes takes of the heap, with what the C library adds. */
static inline size_t bt_heap_bytes(size_t bytes) {
  size_t whole = (bytes + 8 + 15) & ~(size_t)15;
  return whole < 32 ? 32 : whole;
}

#endif
