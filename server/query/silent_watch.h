/* Rules that fall silent while a service runs: each quarter of an hour, of each tenant. The past comes from the source:
 * its quarters of an hour are counted once, when the service starts and when a rule is new, and kept in memory (12
 * bytes each, of each rule). Then the newest is counted each time. What that cost the store is logged. Thread: any;
 * rounds run in the lane of replays. */
#ifndef BT_SERVER_QUERY_SILENT_WATCH_H
#define BT_SERVER_QUERY_SILENT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/replay.h"
#include "server/store/rule_store.h"
#include "server/work/workplace.h"
#include "tempo/wire/source.h"

typedef struct bt_silent_watch bt_silent_watch;

typedef struct bt_silent_watch_options {
  bt_workplace *work; /* borrowed, as all below */
  bt_source *source;
  bt_rule_store *store;
  bt_assumptions assumptions;
  bt_rule_elsewhere_of elsewhere; /* rules of other stores are not looked at; NULL: there are none */
  const void *elsewhere_context;
  int64_t past_ns; /* how long a past rules are held against */
} bt_silent_watch_options;

/* new. Begins at once. BT_NO_MEMORY alone. */
bt_status bt_silent_watch_new(const bt_silent_watch_options *options, bt_silent_watch **out,
                              bt_error *error) BT_MUST_CHECK;
/* Cancels what runs and waits for it. NULL is fine. */
void bt_silent_watch_free(bt_silent_watch *watch);

enum { BT_SILENT_WORDS = 240 };
typedef struct bt_silent_rule_state {
  bool is_known, is_silent;
  int64_t since_ns;                                  /* of a silent one, as all below */
  char went[BT_SILENT_WORDS], came[BT_SILENT_WORDS]; /* "span db.client.query (in web)"; "": not known */
} bt_silent_rule_state;

/* Of a rule with that condition, by the last round. False: no round has looked at it. */
bool bt_silent_watch_get(bt_silent_watch *watch, const char *tenant, const bt_rule_definition *rule,
                         bt_silent_rule_state *out);
/* Of all tenants. *since_ns: the earliest of them. */
size_t bt_silent_watch_count(bt_silent_watch *watch, int64_t *since_ns);

#endif
