/* Policies of a tail sampler in YAML, as `betrace sampler` writes them, read back: which traces each would keep,
 * and whether two keep the same. Thread: a file belongs to one thread. */
#ifndef BT_SERVER_SAMPLER_POLICY_H
#define BT_SERVER_SAMPLER_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"
#include "server/sampler/ottl.h"

struct bt_yaml_node;

typedef struct bt_policy {
  bt_str name;                     /* "betrace/ID/HASH", "betrace/keep", or anything in a file of others */
  const struct bt_yaml_node *node; /* the map that has it */
} bt_policy;

typedef struct bt_policy_file { /* all-zero at first */
  bt_arena arena;
  bt_policy *items; /* each item of each list `policies`, in their order; of the arena */
  size_t count;
  bt_str dropper; /* the first policy of type drop in a list with one of ours: it goes before them; else empty */
} bt_policy_file;

/* BT_INVALID: it is no YAML, or has what BeTrace does not read (anchors, tags); the message has the place. BT_LIMIT,
 * BT_NO_MEMORY. Dispose in every case. */
bt_status bt_policy_file_read(bt_policy_file *file, bt_str text, const char *name, bt_error *error) BT_MUST_CHECK;
void bt_policy_file_dispose(bt_policy_file *file);
/* They keep the same: the names of what they are made of, the order of keys and the style of YAML are nothing. */
bool bt_policy_same(const bt_policy *a, const bt_policy *b);

/* What one keeps, ready to be asked. */
typedef struct bt_policy_test bt_policy_test;
/* BT_INVALID: it is none of those that betrace writes for a rule. *out is of the arena of the set. */
bt_status bt_policy_test_make(bt_ottl_set *set, const bt_policy *policy, const bt_policy_test **out,
                              bt_error *error) BT_MUST_CHECK;
bt_truth bt_policy_keeps(const bt_policy_test *test, const bt_trace *trace);

#endif
