/* The memory that bodies of requests may hold together: all that is being read and all that handlers still look at. One
 * tenant may hold as much as is left free by everybody, itself included: one alone gets half, two get a third each, and
 * who comes new always finds room for something. Thread: any. */
#ifndef BT_SERVER_HTTP_BODY_BUDGET_H
#define BT_SERVER_HTTP_BODY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef struct bt_body_budget bt_body_budget;

bt_body_budget *bt_body_budget_new(size_t limit_bytes); /* new; NULL: no memory */
void bt_body_budget_free(bt_body_budget *budget);       /* NULL is fine */
/* False: there is no room for so much, or not for this tenant. Nothing was taken then. */
bool bt_body_budget_take(bt_body_budget *budget, bt_str tenant, size_t bytes) BT_MUST_CHECK;
/* Gives back what was taken in the same tenant's name. */
void bt_body_budget_give(bt_body_budget *budget, bt_str tenant, size_t bytes);

#endif
