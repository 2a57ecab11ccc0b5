/* Whose piece of work is next where tenants share workers: the tenant's with the fewest under way, among such the one's
 * that waits longest, and within a tenant what waits longest. So whoever has hundreds of questions waits behind
 * himself. Thread: the owner's lock. */
#ifndef BT_SERVER_QUERY_TENANT_TURNS_H
#define BT_SERVER_QUERY_TENANT_TURNS_H

#include <stdbool.h>
#include <stdint.h>

enum { BT_TENANT_TURNS = 256 };

typedef struct bt_tenant_turns {  /* all-zero: nothing was begun */
  uint64_t begun;                 /* turns, counted from 1 */
  uint64_t last[BT_TENANT_TURNS]; /* of tenants; two that meet here wait as one, and nothing else */
  uint32_t under_way[BT_TENANT_TURNS];
} bt_tenant_turns;

/* Something that may be worked on. */
typedef struct bt_turn {
  uint64_t tenant; /* bt_turns_key of it */
  uint64_t last;   /* the number of its own last turn; of what has come since, of the last that was begun then */
} bt_turn;

/* Whether `one` is to be worked on before `other`. */
bool bt_turn_is_before(const bt_tenant_turns *turns, const bt_turn *one, const bt_turn *other);
/* It came: behind what waits already. */
void bt_turn_enter(const bt_tenant_turns *turns, bt_turn *turn);
void bt_turn_begin(bt_tenant_turns *turns, bt_turn *turn);
void bt_turn_end(bt_tenant_turns *turns, uint64_t tenant);

#endif
