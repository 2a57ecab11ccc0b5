/* JSON that could not be built for want of memory. jansson answers NULL for a value that it cannot make, and adding
 * NULL to a list or an object is an error that is easily overlooked: the list would come out shorter and look whole. So
 * its allocations go through here, and whoever gives out what a thread has built asks first whether one of them failed.
 * Thread: each thread asks for its own. */
#ifndef BT_SERVER_JSON_MEMORY_H
#define BT_SERVER_JSON_MEMORY_H

#include <stdbool.h>

#include "server/memory/account.h"

/* Once, before the first JSON of the process; without it nothing ever fails here. */
void bt_json_memory_install(void);
/* What failed before does not count any more: something else is built from here on. */
void bt_json_memory_begin(void);
/* Says that a part is missing for want of memory which was not the JSON library's, where null stands for the part. */
void bt_json_memory_lacks(void);
/* Whether an allocation failed since bt_json_memory_begin: what was built since may lack parts. */
bool bt_json_memory_failed(void);

/* From here on what JSON this thread builds asks for room there, some at a time, until it is NULL. Without room an
 * allocation fails, as without memory. What is freed later is not given back here: the hold is its owner's. */
void bt_json_memory_charge(bt_memory_hold *hold);
/* Whether that was so since bt_json_memory_charge was called with a hold. */
bool bt_json_memory_found_no_room(void);

#endif
