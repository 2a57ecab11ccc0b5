/* Which versions of services the compared traces show, and since when: deployments, as marks on a time line. Thread: no
 * state. */
#ifndef BT_SERVER_QUERY_CHANGED_VERSIONS_H
#define BT_SERVER_QUERY_CHANGED_VERSIONS_H

#include "dsl/mine/sample.h"

enum { BT_SEEN_VERSIONS = 64 };

typedef struct bt_seen_version { /* a service.version; texts of the sample */
  bt_str service, version;
  int64_t first_ns;          /* the start of the first trace with it */
  const bt_mine_trace *last; /* the last one */
  uint32_t traces;
} bt_seen_version;

typedef struct bt_seen_versions {
  bt_seen_version items[BT_SEEN_VERSIONS]; /* in the order of their first traces; later ones have no room */
  size_t count;
  bool has_more;
} bt_seen_versions;

/* Of services that show one version alone nothing is told. */
void bt_seen_versions_find(const bt_mine_sample *sample, bt_seen_versions *out);

#endif
