/* Deploys that traces show: a `service.version` of a service that is first seen within a range in which another one was
 * there before. Traces are added in any order. Thread: one. Times are nanoseconds of the epoch. */
#ifndef BT_SERVER_QUERY_DEPLOYS_H
#define BT_SERVER_QUERY_DEPLOYS_H

#include "dsl/base/arena.h"
#include "dsl/base/symbol.h"
#include "dsl/trace/trace.h"

typedef struct bt_version_seen {     /* of a service in a trace */
  uint32_t service, version, region; /* symbols; region 0: the trace says none */
  int64_t start_ns;
} bt_version_seen;

typedef struct bt_deploy { /* texts live as long as the versions that it is of */
  bt_str service, from, to;
  bt_str region; /* the only one in which the version was seen, while the service was in others, too; "": no such */
  int64_t first_seen_ns;
} bt_deploy;

typedef struct bt_versions { /* all-zero is empty; bt_versions_dispose */
  bt_symbols texts;
  bt_arena arena;
  bt_version_seen *seen;
  size_t count, capacity;
  bt_deploy *deploys; /* after bt_versions_find_deploys: the most recent first */
  size_t deploy_count;
} bt_versions;

/* Beyond a million it does nothing. BT_NO_MEMORY alone. */
bt_status bt_versions_add(bt_versions *versions, const bt_trace *trace, bt_error *error) BT_MUST_CHECK;
/* Once, after the last trace. A version is a deploy only if chance would hardly (once in a thousand) have left it out
 * of all traces of its service before: one that is seldom met is no news. `from` is what the service mostly was in the
 * 50 traces before. BT_NO_MEMORY alone. */
bt_status bt_versions_find_deploys(bt_versions *versions, bt_error *error) BT_MUST_CHECK;
void bt_versions_dispose(bt_versions *versions);

/* Services that went from one version to the same other one are one deploy to people. Whether these are of one: */
bool bt_deploys_are_one(const bt_deploy *a, const bt_deploy *b);
/* Of all that are one with it, the first that was seen. */
int64_t bt_deploy_first_ns(const bt_versions *versions, const bt_deploy *deploy);
/* Appends "checkout, payment 1.4.2 → 1.4.3 at 2026-03-10T06:02:11Z, in eu-west-1" of all that are one with it, as it
 * can be shown. */
void bt_deploy_write(const bt_versions *versions, const bt_deploy *deploy, bt_buffer *out);

#endif
