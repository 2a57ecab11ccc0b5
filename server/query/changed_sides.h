/* The two sides of "what changed", as people write them. Thread: no state. */
#ifndef BT_SERVER_QUERY_CHANGED_SIDES_H
#define BT_SERVER_QUERY_CHANGED_SIDES_H

#include "server/query/changed.h"

typedef struct bt_changed_texts {    /* NULL: not given; else they outlive the sides */
  const char *sides[BT_MINE_GROUPS]; /* "START..END" or "KEY=VALUE", as now-2d..now-1d or service.version=1.4.3 */
  const char *around;                /* a time, instead of both: before it is the baseline, from it on the candidate */
} bt_changed_texts;

/* Where only one side is told by what traces carry, the other one is all other traces of the range. false: a text is
 * neither form, a time is none, or `around` is not within the range. */
bool bt_changed_sides_read(const bt_changed_texts *texts, bt_time_range whole, bt_changed_side sides[BT_MINE_GROUPS]);
/* Ends the sides where traces may still grow: these prove nothing. */
void bt_changed_leave_unsettled(bt_changed *changed, bt_source *source, int64_t settle_ns);

#endif
