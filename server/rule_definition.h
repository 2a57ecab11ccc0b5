/* A rule as users keep it (api.md, Rules): its text with name, severity, labels and overrides, and the compiled form beside it.
 * The store, rule files, the HTTP API and replays all hand this around. Thread: immutable once made; shared by reference count. */
#ifndef BT_SERVER_RULE_DEFINITION_H
#define BT_SERVER_RULE_DEFINITION_H

#include "dsl/rule.h"

enum { BT_RULE_ID_MAX = 128, BT_RULE_NAME_MAX = 256, BT_RULE_DESCRIPTION_MAX = 4096, BT_CONDITION_HASH_HEX = 64 };

typedef enum bt_severity { /* in rising order */
  BT_SEVERITY_INFO, BT_SEVERITY_LOW, BT_SEVERITY_WARNING, BT_SEVERITY_MEDIUM, BT_SEVERITY_HIGH, BT_SEVERITY_ERROR, BT_SEVERITY_CRITICAL
} bt_severity;
const char *bt_severity_name(bt_severity severity);
bool bt_severity_parse(bt_str text, bt_severity *out); /* any case */

typedef struct bt_string_pair { char *key, *value; } bt_string_pair; /* both NUL-terminated, owned by the fields */

/* What a user says about a rule; everything owned. All-zero with bt_rule_fields_init is a rule with nothing said. */
typedef struct bt_rule_fields {
  char *id;            /* NULL: one is made from the name */
  char *name;          /* NULL: the id */
  char *description;   /* NULL: "" */
  char *dsl;           /* must be there */
  bt_severity severity;
  bool enabled, shadow, watch_all;
  bt_string_pair *labels, *annotations;
  size_t label_count, annotation_count;
  int64_t settle_ns, margin_ns, clock_skew_ns; /* −1: the service's */
  int require_complete;                        /* −1: the service's; 0, 1 */
} bt_rule_fields;
void bt_rule_fields_init(bt_rule_fields *fields); /* enabled, medium, nothing overridden */
void bt_rule_fields_dispose(bt_rule_fields *fields);

typedef struct bt_rule_definition bt_rule_definition;
struct bt_rule_definition {
  bt_rule_fields fields; /* id and name filled in */
  bt_rule *rule;         /* compiled; never NULL */
  char condition_hash[BT_CONDITION_HASH_HEX + 1]; /* SHA-256 of canonical text, settle, clock_skew, require_complete */
  bt_string_pair *controls; /* (framework, control) pairs of annotations in the text and in the fields */
  size_t control_count;
  /* what the store adds; 0 and NULL for an ad-hoc rule */
  int64_t version, created_at_ns, updated_at_ns;
  char *updated_by;
};

/* Checks and compiles; takes what is in `fields` in every case (it is empty afterwards). shared (one reference). BT_INVALID: `diagnostics` has what is wrong with
 * the text, or `error` which field is wrong and why. */
bt_status bt_rule_definition_new(bt_rule_fields *fields, bt_rule_definition **out, bt_diagnostics *diagnostics, bt_error *error) BT_MUST_CHECK;
bt_rule_definition *bt_rule_definition_ref(const bt_rule_definition *definition);
void bt_rule_definition_unref(const bt_rule_definition *definition); /* NULL is fine */

/* [A-Za-z0-9][A-Za-z0-9._-]{0,127} and not reserved (validate, test, import, export). */
bool bt_rule_id_is_valid(bt_str id);

#endif
