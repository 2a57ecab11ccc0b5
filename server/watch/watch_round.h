/* What all parts of a watcher's round ask, and none of them changes. A part is given this, and the table or the
 * violations where it needs them; what it finds it returns, and watcher.c applies that. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_ROUND_H
#define BT_SERVER_WATCH_ROUND_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/watch/watch.h"
#include "server/watch/watch_late.h"
#include "server/watch/watch_rules.h"
#include "server/watch/watch_schedule.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef struct bt_watch_round { /* all pointers are borrowed */
  const char *tenant;           /* "": none */
  const bt_watch_options *options;
  const bt_cancel *cancel;
  const bt_watch_rules *rules;
  const bt_watch_times *times; /* of the schedule */
  bt_watch_late late;
  int64_t now_ns;
} bt_watch_round;

/* What a part of a round has cost. */
typedef struct bt_watch_cost {
  uint64_t requests, bytes_inspected;
} bt_watch_cost;

void bt_watch_cost_add(bt_watch_cost *cost, const bt_source_account *account);
const char *bt_watch_round_scope(const bt_watch_round *round); /* X-Scope-OrgID, or NULL */
/* Reads or searches for this tenant, and adds to *cost. BT_UNAVAILABLE: a part was not answered; the message begins
 * with `what`. Else errors are those of the source. */
bt_status bt_watch_round_read(const bt_watch_round *round, bt_source *source, bt_read_request request, const char *what,
                              bt_read_sink sink, void *context, bt_watch_cost *cost, bt_error *error) BT_MUST_CHECK;
bt_status bt_watch_round_search(const bt_watch_round *round, bt_source *source, bt_search_request request,
                                const char *what, bt_found_list *found, bt_watch_cost *cost,
                                bt_error *error) BT_MUST_CHECK;

#endif
