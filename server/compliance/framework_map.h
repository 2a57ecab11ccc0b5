/* Which rules of a tenant stand for which controls of a framework: the catalogue's controls, and behind them those that
 * only rules name. A rule that was changed or deleted since the start of a range and no longer stands for a control is
 * in `removed`, so that nobody improves a report by taking a rule away. Thread: a value; the store may be asked from
 * any thread. */
#ifndef BT_SERVER_FRAMEWORK_MAP_H
#define BT_SERVER_FRAMEWORK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/catalogue.h"
#include "server/rules/rule_definition.h"
#include "server/store/rule_store.h"

typedef struct bt_mapped_control {
  bt_str id;           /* as the catalogue writes it, else as the first rule does; "": the framework as such */
  const char *title;   /* "": in no catalogue */
  const char *part_of; /* the catalogue's control that it is a part of, or NULL */
  size_t *rules;       /* numbers in the map */
  size_t rule_count, capacity;
} bt_mapped_control;

typedef struct bt_removed_rule {
  const bt_rule_definition *was; /* shared: the last version that stood for a control */
  bt_str control;                /* one of them */
  bool is_deleted;
  bool has_decided; /* some version of it did for this control, inside the range */
  int64_t removed_at_ns;
  char *removed_by; /* owned; or NULL */
} bt_removed_rule;

typedef struct bt_framework_map {
  const bt_catalogue *catalogue;    /* or NULL */
  bt_str name;                      /* the catalogue's, else as it was asked for: borrowed */
  const bt_rule_definition **rules; /* shared, by id; broken ones too */
  size_t rule_count;
  bt_mapped_control *controls;
  size_t control_count, control_capacity;
  bt_removed_rule *removed;
  size_t removed_count, removed_capacity;
  size_t unknown_count; /* enabled rules, and versions in the range, that do not compile or are damaged, and may stand
                         * for a control here: which is not known */
} bt_framework_map;

/* BT_NO_MEMORY alone. */
bt_status bt_framework_map_make(bt_rule_store *store, const char *tenant, bt_str framework, bt_framework_map *out,
                                bt_error *error) BT_MUST_CHECK;
/* Fills `removed`: what was taken away at or after this time. BT_IO: the store cannot be read. BT_NO_MEMORY. */
bt_status bt_framework_map_add_removed(bt_framework_map *map, bt_rule_store *store, const char *tenant,
                                       int64_t since_ns, bt_error *error) BT_MUST_CHECK;
void bt_framework_map_dispose(bt_framework_map *map);

#endif
