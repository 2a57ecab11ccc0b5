/* The traces that links tie to those that watch judges, gathered as a replay gathers them. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_FAMILIES_H
#define BT_SERVER_WATCH_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/replay/given_families.h"
#include "server/watch/watcher.h"

typedef struct bt_watch_linked {
  bt_given_trace *traces; /* that wait for it in this round; each once */
  size_t count, capacity;
} bt_watch_linked;

/* All-zero is empty. */
void bt_watch_linked_dispose(bt_watch_linked *linked);
/* BT_NO_MEMORY alone. */
bt_status bt_watch_linked_add(bt_watch_linked *linked, const bt_trace *trace, bt_error *error) BT_MUST_CHECK;

/* Takes one of a piece of the traces with its family, as bt_given_family_sink. was_asked: so far no question of this
 * piece has failed. */
typedef bt_status (*bt_watch_family_sink)(void *context, const bt_trace_id *id, const bt_family *family, bool was_asked,
                                          bt_error *error);
/* BT_UNAVAILABLE: the source was lost, and the traces that were not given stay due. BT_CANCELLED, BT_NO_MEMORY, or what
 * the sink returned. */
bt_status bt_watch_linked_gather(bt_watcher *watcher, const bt_watch_linked *linked, bt_watch_family_sink sink,
                                 void *context, bt_error *error) BT_MUST_CHECK;

#endif
