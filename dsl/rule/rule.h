/* The checked rule: what the checker makes of a rule's text and what the evaluator and the planner read. All sugar is
 * gone: every selector is a bt_selection, every test a bt_predicate, every name is resolved, every literal typed.
 * Invariants: pointers are never NULL unless said; arrays of AND and OR have at least two items and no directly nested
 * AND in AND. Thread: immutable once compiled; may be read by any number of threads. */
#ifndef BT_DSL_RULE_RULE_H
#define BT_DSL_RULE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/rule/functions.h"
#include "dsl/rule/own_names.h"
#include "dsl/rule/relations.h"
#include "dsl/trace/value.h"

enum {
  BT_MAX_RULE_BYTES = 64 * 1024,
  BT_MAX_NESTING = 64,
  BT_MAX_NODES = 4096,
  BT_MAX_BINDINGS = 8,
  BT_MAX_PATTERN_BYTES = 1024 * 1024, /* of all regexes of a rule together, compiled (bt_pattern_bytes) */
  BT_NO_BINDING = -1
};

typedef struct bt_condition bt_condition;
typedef struct bt_selection bt_selection;
typedef struct bt_predicate bt_predicate;
typedef struct bt_expression bt_expression;

/* A compiled regex (pattern.h). */
typedef struct bt_pattern bt_pattern;

typedef enum bt_field_kind {
  /* intrinsics of the span */
  BT_FIELD_NAME,
  BT_FIELD_KIND,
  BT_FIELD_STATUS,
  BT_FIELD_STATUS_MESSAGE,
  BT_FIELD_DURATION,
  BT_FIELD_START,
  BT_FIELD_END,
  BT_FIELD_ID,
  BT_FIELD_PARENT_ID,
  BT_FIELD_SERVICE,       /* resource.service.name */
  BT_FIELD_SPAN_TRACE_ID, /* of the trace that it is in */
  BT_FIELD_FLAGS,
  BT_FIELD_TRACE_STATE,        /* key: the vendor whose member it is */
  BT_FIELD_DROPPED_ATTRIBUTES, /* how many */
  BT_FIELD_DROPPED_EVENTS,
  BT_FIELD_DROPPED_LINKS,
  BT_FIELD_SPAN_ATTRIBUTE,     /* key */
  BT_FIELD_RESOURCE_ATTRIBUTE, /* key */
  BT_FIELD_EITHER_ATTRIBUTE,   /* key: of the span, else of its resource (missing on the span means MISSING or OTHER
                                  there) */
  BT_FIELD_SCOPE_NAME,
  BT_FIELD_SCOPE_VERSION,
  BT_FIELD_SCOPE_ATTRIBUTE,
  BT_FIELD_EVENT_NAME, /* some event of the span; inside BT_PREDICATE_EVENT that one event */
  BT_FIELD_EVENT_TIME,
  BT_FIELD_EVENT_ATTRIBUTE,
  BT_FIELD_LINK_TRACE_ID, /* some link of the span; inside BT_PREDICATE_LINK that one link */
  BT_FIELD_LINK_SPAN_ID,
  BT_FIELD_LINK_ATTRIBUTE,
  /* the trace; binding is BT_NO_BINDING */
  BT_FIELD_TRACE_DURATION,
  BT_FIELD_TRACE_START,
  BT_FIELD_TRACE_END,
  BT_FIELD_TRACE_SPAN_COUNT,
  BT_FIELD_TRACE_SERVICE_COUNT,
  BT_FIELD_TRACE_ID,
  BT_FIELD_TRACE_ROOT_NAME,
  BT_FIELD_TRACE_ROOT_SERVICE,
  BT_FIELD_TRACE_ROOT_ATTRIBUTE,         /* key: of the root span */
  BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE /* key: of its resource */
} bt_field_kind;

enum { BT_FIELD_NAMES_MAX = 32 };
typedef struct bt_field bt_field;
struct bt_field {
  bt_field_kind kind;
  int binding; /* of that bound span; BT_NO_BINDING: of the span under test */
  bt_str key;  /* of attributes, and of members of the trace state */
  /* Of an attribute that goes by several names (conventions.h): it is worth what the first of these is that is there.
   * They are plain fields of the same binding, and `key` is as written. NULL: it is plain itself. */
  const bt_field *names;
  uint32_t name_count; /* BT_FIELD_NAMES_MAX at most */
};

typedef enum bt_type { /* static types (dsl.md §5) */
                       BT_TYPE_NUMBER,
                       BT_TYPE_DURATION,
                       BT_TYPE_TIME,
                       BT_TYPE_STRING,
                       BT_TYPE_BOOLEAN,
                       BT_TYPE_ATTRIBUTE
} bt_type;

typedef enum bt_expression_kind {
  BT_EXPRESSION_LITERAL,
  BT_EXPRESSION_FIELD,
  BT_EXPRESSION_AGGREGATE,
  BT_EXPRESSION_NEGATE,
  BT_EXPRESSION_ADD,
  BT_EXPRESSION_SUBTRACT,
  BT_EXPRESSION_MULTIPLY,
  BT_EXPRESSION_DIVIDE,
  BT_EXPRESSION_PART_COUNT /* how many events (links) of the span under test meet `part` */
} bt_expression_kind;

struct bt_expression {
  bt_expression_kind kind;
  bt_type type;
  bt_range range;
  bt_value literal; /* LITERAL: STRING, BOOL, INT, DOUBLE or DURATION. Kinds and statuses are lower-case strings
                       ("server", "error") */
  bt_field field;   /* FIELD */
  bt_aggregate aggregate;
  const bt_selection *selection;     /* AGGREGATE */
  const bt_predicate *part;          /* PART_COUNT: of the kind EVENT or LINK, as for "some one of them meets it" */
  const bt_expression *left, *right; /* arithmetic; NEGATE has left only; AGGREGATE other than count: left is what is
                                        aggregated, and its span under test is the selected one */
};

typedef enum bt_comparison_operator {
  BT_EQUAL,
  BT_NOT_EQUAL,
  BT_LESS,
  BT_LESS_EQUAL,
  BT_GREATER,
  BT_GREATER_EQUAL,
  BT_CONTAINS,
  BT_STARTS_WITH,
  BT_ENDS_WITH,
  BT_MATCHES,           /* pattern found anywhere */
  BT_MATCHES_WHOLE,     /* =~ */
  BT_NOT_MATCHES_WHOLE, /* !~: present, and =~ is false */
  BT_IN,
  BT_NOT_IN /* list; NOT_IN: present, and IN is false */
} bt_comparison_operator;

static inline bool bt_operator_is_ordering(bt_comparison_operator op) { /* <, <=, >, >= */
  return op == BT_LESS || op == BT_LESS_EQUAL || op == BT_GREATER || op == BT_GREATER_EQUAL;
}

typedef struct bt_comparison {
  bt_comparison_operator op;
  bt_range range;
  const bt_expression *left;
  const bt_expression *right; /* NULL for IN, NOT_IN */
  const bt_expression **list; /* IN, NOT_IN */
  uint32_t list_count;
  const bt_pattern *pattern; /* MATCHES*: compiled from right, which is a string literal then */
} bt_comparison;

typedef enum bt_predicate_kind {
  BT_PREDICATE_TRUE,
  BT_PREDICATE_FALSE,
  BT_PREDICATE_AND,
  BT_PREDICATE_OR,
  BT_PREDICATE_NOT,
  BT_PREDICATE_NAMED, /* name equals it or service name equals it */
  BT_PREDICATE_COMPARE,
  BT_PREDICATE_EXISTS,  /* field is present */
  BT_PREDICATE_IS_TRUE, /* field is the boolean true */
  BT_PREDICATE_EVENT,   /* some one event meets items[0] */
  BT_PREDICATE_LINK     /* some one link meets items[0] */
} bt_predicate_kind;

/* A test on one span. */
struct bt_predicate {
  bt_predicate_kind kind;
  bt_range range;
  const bt_predicate **items; /* AND, OR: two or more; NOT, EVENT, LINK: one */
  uint32_t item_count;
  bt_str name;              /* NAMED */
  bt_str own_name;          /* the word of the rule file that is written for it (own_names.h); else empty */
  bt_comparison comparison; /* COMPARE */
  bt_field field;           /* EXISTS, IS_TRUE */
};

typedef struct bt_reference {    /* what a relation is about */
  int binding;                   /* else BT_NO_BINDING and: */
  const bt_selection *selection; /* some span of it */
} bt_reference;

enum { BT_MAX_LINK_STEPS = 5 };

typedef struct bt_relation {
  bt_relation_kind kind;
  bt_range range;
  bt_reference first, second;       /* second: BETWEEN */
  bool first_is_end, second_is_end; /* the point is the ref's end, not its start */
  int64_t within_ns;                /* −1: no bound */
  uint32_t max_links;               /* DOWNSTREAM_OF: 1 to BT_MAX_LINK_STEPS */
} bt_relation;

/* Some spans of the trace: those that meet the predicate and every relation. Of a linked trace where `is_foreign`. */
struct bt_selection {
  bt_range range;
  int base_binding;              /* only that bound span (a closed selection); BT_NO_BINDING: any span of the trace */
  const bt_predicate *predicate; /* base and all filters joined; BT_PREDICATE_TRUE where there is none */
  const bt_relation *relations;
  uint32_t relation_count;
  bool is_foreign; /* its spans may be of other traces: a linked relation, or one of structure to such spans */
};

typedef enum bt_condition_kind {
  BT_CONDITION_TRUE,
  BT_CONDITION_FALSE,
  BT_CONDITION_AND,
  BT_CONDITION_OR,
  BT_CONDITION_NOT,
  BT_CONDITION_EXISTS, /* at least one span in `selection`; binding ≥ 0: and that span is bound for what follows in its
                          conjunction */
  BT_CONDITION_COMPARE, /* of aggregates, trace fields, fields of bindings */
  BT_CONDITION_HAS_BEFORE,
  BT_CONDITION_HAS_AFTER /* some of `selection` starts before (after) every one of `other`, and there is one */
} bt_condition_kind;

struct bt_condition {
  bt_condition_kind kind;
  bt_range range;
  const bt_condition **items; /* AND, OR, NOT; order as written: bindings are visible to the right */
  uint32_t item_count;
  const bt_selection *selection, *other;
  int binding; /* EXISTS with `as`; else BT_NO_BINDING */
  bt_comparison comparison;
};

typedef struct bt_binding {
  bt_str name;
  bt_range range;
  bool in_choice;  /* stands in `when` (or the bare condition) outside any not and or: one of the spans that a choice is
                      a tuple of */
  bool is_foreign; /* its selection is */
} bt_binding;

typedef struct bt_annotation { /* one (framework, control) pair, or @severity(critical) as ("severity", "critical") */
  bt_str name, value;
} bt_annotation;

/* What equal starts of services that write whole milliseconds say of the order. */
typedef enum bt_coarse_clocks { BT_CLOCKS_UNSAID, BT_CLOCKS_EXACT, BT_CLOCKS_UNKNOWN } bt_coarse_clocks;
/* "exact", "unknown"; UNSAID: "". */
const char *bt_coarse_clocks_name(bt_coarse_clocks clocks);
/* False: neither word. */
bool bt_coarse_clocks_parse(bt_str text, bt_coarse_clocks *out);

typedef struct bt_rule {
  bt_str text;                          /* as written */
  const bt_condition *when;             /* NULL: true, or a bare condition */
  const bt_condition *always;           /* NULL: none */
  const bt_condition *never;            /* NULL: none */
  const bt_condition *condition;        /* the bare condition, which describes the bad trace; else NULL */
  bt_binding bindings[BT_MAX_BINDINGS]; /* in order of `as` */
  int binding_count;
  const bt_annotation *annotations;
  uint32_t annotation_count;
  bt_str conventions; /* "stable", or a release: attributes go by all of their names; "": by the one that is written */
  bt_coarse_clocks coarse_clocks; /* UNSAID: the service's */
  bt_own_names
      used; /* the aliases and names that it uses, each by its word; a name has its spans as they are formatted */
  bt_str own_names; /* the same, an annotation a line: @alias(k, other)⏎; "": none */
  bt_str beside;    /* those of them that its text does not say, and @coarse_clocks likewise: what goes in front of the
                     * text where that goes alone */
  /* Formatted text without comments and annotations, but for @semconv, @coarse_clocks and `own_names`: what the
   * condition hash is made of. */
  bt_str canonical;
} bt_rule;

#endif
