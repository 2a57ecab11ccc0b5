/* The columns of rule_versions in the order in which every query here names them. For server/store alone. No state. */
#ifndef BT_SERVER_STORE_ROW_COLUMNS_H
#define BT_SERVER_STORE_ROW_COLUMNS_H

/* ROW_COLUMNS: the order of this list, of the text below and of the placeholders is one. */
enum {
  TENANT,
  RULE_ID,
  VERSION,
  IS_DELETION,
  NAME,
  DESCRIPTION,
  DSL,
  SEVERITY,
  HAS_SEVERITY,
  ENABLED,
  SHADOW,
  WATCH_ALL,
  LABELS,
  ANNOTATIONS,
  SETTLE_NS,
  MARGIN_NS,
  CLOCK_SKEW_NS,
  REQUIRE_COMPLETE,
  CONDITION_HASH,
  CREATED_AT_NS,
  UPDATED_AT_NS,
  UPDATED_BY,
  FIRST_COLUMN_COUNT, /* those of the first schema */
  BUDGET = FIRST_COLUMN_COUNT,
  LINKS_SAMPLED,
  STORE,
  ROW_COLUMN_COUNT
};
#define ROW_COLUMNS FIRST_ROW_COLUMNS ", budget, links_sampled, store"
#define FIRST_ROW_COLUMNS                                                                                              \
  "tenant, rule_id, version, is_deletion, name, description, dsl, severity, has_severity, enabled, shadow, "           \
  "watch_all, labels, "                                                                                                \
  "annotations, settle_ns, margin_ns, clock_skew_ns, require_complete, condition_hash, created_at_ns, updated_at_ns, " \
  "updated_by"

#endif
