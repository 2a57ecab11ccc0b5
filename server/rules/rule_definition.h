/* A rule as users keep it (api.md, Rules): its text with name, severity, labels and overrides, and the compiled form
 * next to it. The store, rule files, the HTTP API and replays all hand this around. Thread: immutable once made; shared
 * by reference count. */
#ifndef BT_SERVER_RULES_RULE_DEFINITION_H
#define BT_SERVER_RULES_RULE_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "server/rules/shared_names.h"
#include "dsl/syntax/diagnostic.h"

enum {
  BT_RULE_ID_MAX = 128, /* bytes, as are the next four */
  BT_RULE_NAME_MAX = 256,
  BT_RULE_DESCRIPTION_MAX = 4096,
  BT_RULE_KEY_MAX = 256, /* of a label or an annotation */
  BT_RULE_VALUE_MAX = 4096,
  BT_RULE_MAX_PAIRS = 64, /* labels; and as many annotations */
  BT_STORE_NAME_MAX = 32,
  BT_CONDITION_HASH_HEX = 64
};
#define BT_RULE_MAX_BUDGET      INT64_C(1000000000000)    /* steps; what they come to is the service's to say */
#define BT_RULE_MAX_OVERRIDE_NS INT64_C(2592000000000000) /* 30 days: of settle, margin and clock_skew */

typedef enum bt_severity { /* in rising order */
                           BT_SEVERITY_INFO,
                           BT_SEVERITY_LOW,
                           BT_SEVERITY_WARNING,
                           BT_SEVERITY_MEDIUM,
                           BT_SEVERITY_HIGH,
                           BT_SEVERITY_ERROR,
                           BT_SEVERITY_CRITICAL
} bt_severity;
const char *bt_severity_name(bt_severity severity);
bool bt_severity_parse(bt_str text, bt_severity *out); /* any case */

typedef struct bt_string_pair {
  char *key, *value;
} bt_string_pair; /* both NUL-terminated, owned by the fields */

/* What a user says about a rule; everything owned. All-zero with bt_rule_fields_init is a rule with nothing said. */
typedef struct bt_rule_fields {
  char *id;          /* NULL: one is made from the name */
  char *name;        /* NULL: the id */
  char *description; /* NULL: "" */
  char *dsl;         /* must be there */
  char *store;       /* the name of the store that has its traces; NULL: what the request or the service says */
  char *semconv;     /* what @semconv says, beside the text: bt_rule_definition_new puts it into `dsl`; NULL: nothing */
  bt_coarse_clocks coarse_clocks; /* beside the text likewise, as @coarse_clocks says it */
  bt_shared_names *own_names;     /* beside the text likewise; NULL: nothing */
  bt_severity severity;
  bool has_severity; /* the user said it: then an @severity in the text must say the same; else that one counts, or
                        medium */
  bool enabled, shadow, watch_all;
  bool proposes; /* what is said of the text has proposals, too (W026). Not stored */
  bt_string_pair *labels, *annotations;
  size_t label_count, annotation_count;
  int64_t settle_ns, margin_ns, clock_skew_ns; /* −1: the service's */
  int require_complete;                        /* −1: the service's; 0, 1 */
  int64_t
      budget; /* −1: the service's; else the steps that it may take on one trace where the service would give less */
  int links_sampled; /* −1: the service's; 0, 1 */
} bt_rule_fields;
void bt_rule_fields_init(bt_rule_fields *fields); /* enabled, medium, nothing overridden */
void bt_rule_fields_dispose(bt_rule_fields *fields);
/* *out is new and independent; it is empty when this fails. BT_NO_MEMORY alone. */
bt_status bt_rule_fields_copy(const bt_rule_fields *fields, bt_rule_fields *out, bt_error *error) BT_MUST_CHECK;
/* Adds a copy of (key, value) to the labels or annotations of some fields. false: no memory, nothing changed. */
bool bt_string_pairs_add(bt_string_pair **pairs, size_t *count, bt_str key, bt_str value) BT_MUST_CHECK;

typedef struct bt_rule_definition bt_rule_definition;
struct bt_rule_definition {
  bt_rule_fields fields; /* id, name and description filled in, severity settled */
  bt_rule *rule;         /* compiled; never NULL but for a broken one */
  char *broken; /* NULL. Else why nothing evaluates this stored rule: this program's language does not take it any more,
                 * or it is damaged. Only bt_rule_store_broken and bt_rule_store_versions hand such ones out. */
  bool is_damaged; /* broken because the stored row is not what was written: not one of its fields can be believed, so
                    * it counts as enabled, and as a rule of every label, severity and framework */
  char condition_hash[BT_CONDITION_HASH_HEX +
                      1]; /* SHA-256 of canonical text, settle, clock_skew, require_complete, budget, links_sampled: see
                           * rule_definition.c.   A stored rule keeps the one that its version was stored with. */
  bt_string_pair *controls; /* (framework, control) pairs of annotations in the text and in the fields; control "": the
                               framework as such */
  size_t control_count;
  /* what the store adds; 0 and NULL for an ad-hoc rule */
  int64_t version, created_at_ns, updated_at_ns;
  char *updated_by;
};

/* Checks and compiles; takes what is in `fields` in every case (it is empty afterwards). shared (one reference).
 * BT_INVALID: `diagnostics` has what is wrong with the text (and `error` the first of it, as "dsl: …"), or it is empty
 * and `error` says "<field>: expected …, got …". */
bt_status bt_rule_definition_new(bt_rule_fields *fields, bt_rule_definition **out, bt_diagnostics *diagnostics,
                                 bt_error *error) BT_MUST_CHECK;

typedef struct bt_rule_record { /* what the store knows besides the fields */
  int64_t version, created_at_ns, updated_at_ns;
  const char *updated_by;     /* borrowed; NULL or "": nobody in particular */
  const char *condition_hash; /* borrowed; NULL: computed */
} bt_rule_record;
/* The same for fields that were stored: a text that does not compile any more, or that means something else than when
 * it was stored (its condition hash is another), does not fail but gives a definition with `broken` set. Takes
 * `fields`; *out is shared. Fails for want of memory only. */
bt_status bt_rule_definition_restore(bt_rule_fields *fields, const bt_rule_record *record, bt_rule_definition **out,
                                     bt_error *error) BT_MUST_CHECK;

/* Nothing evaluates it any more, and why. Before it is shared. Fails for want of memory only. */
bt_status bt_rule_definition_break(bt_rule_definition *definition, bt_error *error, const char *format,
                                   ...) BT_MUST_CHECK __attribute__((format(printf, 3, 4)));

/* A stored rule of which the row is not what was written, or gone; `dsl` is what is left of its text. Shared. Fails for
 * want of memory only. */
bt_status bt_rule_definition_damaged(bt_str id, bt_str dsl, int64_t version, const char *why, bt_rule_definition **out,
                                     bt_error *error) BT_MUST_CHECK;

/* Never NULL; given back by bt_rule_definition_unref. */
bt_rule_definition *bt_rule_definition_ref(const bt_rule_definition *definition);
void bt_rule_definition_unref(const bt_rule_definition *definition); /* NULL is fine */

/* What it holds of the heap, near enough to bound how many are kept. */
size_t bt_rule_definition_bytes(const bt_rule_definition *definition);

/* A text that somebody made of a published definition and wants to have again; NULL: none yet. Freed with the
 * definition. */
const char *bt_rule_definition_kept_text(const bt_rule_definition *definition);
/* Keeps it (taken in every case) unless another thread was first; returns the one that is kept. Any thread. */
const char *bt_rule_definition_keep_text(const bt_rule_definition *definition, char *text);

/* Of a rule of this tenant: the name of the store that it is of, where that is not `source`; else NULL. is_said:
 * whoever asks names `source`, so that it is also that of rules which name none. */
struct bt_source;
typedef const char *(*bt_rule_elsewhere_of)(const void *context, const char *tenant, const struct bt_source *source,
                                            bool is_said, const bt_rule_definition *rule);

/* 1 to BT_STORE_NAME_MAX small letters, digits and "-", so that it fits any URL. */
bool bt_store_name_is_valid(bt_str name);

/* [A-Za-z0-9][A-Za-z0-9._-]{0,127} and not reserved (validate, test, import, export). */
bool bt_rule_id_is_valid(bt_str id);

#endif
