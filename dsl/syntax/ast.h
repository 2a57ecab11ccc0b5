/* The tree: what the parser makes of the tokens, with all sugar still in it. The checker lowers it, the formatter
 * prints it. Parentheses are not nodes: they are marks on the node inside (grouping is the shape of the tree). AND in
 * AND and OR in OR are flat. Only the front end includes this. Memory: the arena of one check; immutable once parsed.
 * Thread: that check's until then, any after it.
 */
#ifndef BT_DSL_SYNTAX_AST_H
#define BT_DSL_SYNTAX_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/lexer.h"

typedef enum bt_ast_kind {
  BT_AST_ERROR, /* reported already; stands for anything */
  BT_AST_OR,
  BT_AST_AND,
  BT_AST_NOT,
  BT_AST_COMPARE, /* items: left, right; op */
  BT_AST_IN,      /* items: left, then the list; op IN or NOT_IN */
  BT_AST_ADD,     /* items: left, right; the same for the next three */
  BT_AST_SUBTRACT,
  BT_AST_MULTIPLY,
  BT_AST_DIVIDE,
  BT_AST_NEGATE,
  BT_AST_INTEGER,
  BT_AST_DECIMAL,
  BT_AST_DURATION,
  BT_AST_STRING, /* text is its value */
  BT_AST_BOOLEAN,
  BT_AST_PATH,     /* text as written */
  BT_AST_INDEX,    /* text["key"] */
  BT_AST_CALL,     /* function; items: arguments */
  BT_AST_SELECTION /* items[0] with filters, relations and `as` behind it */
} bt_ast_kind;

typedef struct bt_ast bt_ast;

typedef enum bt_ast_suffix { BT_SUFFIX_NONE, BT_SUFFIX_START, BT_SUFFIX_END } bt_ast_suffix;

typedef struct bt_ast_point {
  bt_ast *ref;          /* PATH, STRING, first(…) and its like, or anything in parentheses */
  bt_ast_suffix suffix; /* `.start` or `.end` behind a string or `)`; a path carries it in its text */
  bt_range range;       /* with the suffix */
} bt_ast_point;

typedef enum bt_ast_part_kind { BT_PART_WHERE, BT_PART_RELATION, BT_PART_AS } bt_ast_part_kind;

typedef struct bt_ast_part {
  bt_ast_part_kind kind;
  bt_range range;
  bool dotted;               /* WHERE: written `.where` */
  bt_ast *predicate;         /* WHERE */
  bt_relation_kind relation; /* RELATION */
  bt_ast_point first, second;
  int64_t within_ns;     /* −1: none */
  uint32_t max_links;    /* `over 2 links`; 0: not said */
  bt_range within_range; /* of the duration, as written */
  bt_str name;           /* AS */
  bt_range name_range;
  int binding; /* AS: number in order of the text; set by the checker */
} bt_ast_part;

struct bt_ast {
  bt_ast_kind kind;
  bt_range range; /* without parentheses around it */
  bt_range outer; /* with them */
  bool parenthesised;
  bt_function function;
  bt_comparison_operator op;
  bt_range op_range;
  bt_str text;         /* PATH, STRING, INDEX */
  bt_name_owner owner; /* STRING: `service:checkout` */
  bt_str key;          /* INDEX */
  union {
    int64_t integer;
    double decimal;
    int64_t duration_ns;
    bool boolean;
  };
  bt_ast **items;
  uint32_t item_count;
  bt_ast_part *parts;
  uint32_t part_count;
};

typedef enum bt_clause_kind { BT_CLAUSE_WHEN, BT_CLAUSE_ALWAYS, BT_CLAUSE_NEVER } bt_clause_kind;

typedef struct bt_ast_clause {
  bt_clause_kind kind;
  bt_range range; /* from the keyword to `}` */
  bt_range keyword;
  bt_range inside; /* between the braces; empty when they are not closed */
  bt_ast *condition;
} bt_ast_clause;

typedef struct bt_ast_item { /* one item of an annotation's argument */
  bt_str text;               /* identifier or path as written, or the value of a string */
  bool quoted;
  bt_range range;
} bt_ast_item;

typedef struct bt_ast_argument {
  bt_str name; /* len 0: none */
  bt_range name_range;
  bool is_list;
  bt_ast_item *items;
  uint32_t item_count;
} bt_ast_argument;

typedef struct bt_ast_annotation {
  bt_str name;
  bt_range range, name_range;
  bool has_parentheses;
  bt_ast_argument *arguments;
  uint32_t argument_count;
} bt_ast_annotation;

enum { BT_MAX_ANNOTATIONS = 64 };

typedef struct bt_ast_rule {
  bt_ast_annotation annotations[BT_MAX_ANNOTATIONS];
  uint32_t annotation_count;
  bt_ast_clause clauses[3]; /* in order of the text */
  uint32_t clause_count;
  bt_ast *condition;  /* bare; NULL when there are clauses */
  bool is_incomplete; /* a limit was passed (E003): the tree has holes and is not to be looked at */
} bt_ast_rule;

/* First segment of a path (all of it when it has no dot), and what stands behind its dot (empty: nothing). */
bt_str bt_path_head(bt_str path);
bt_str bt_path_rest(bt_str path);
/* Last segment, and what stands before its dot (empty: nothing). */
bt_str bt_path_last(bt_str path);
bt_str bt_path_front(bt_str path);
/* A text that the lexer reads as one path. */
bool bt_path_is_valid(bt_str text);

bool bt_ast_is_literal(const bt_ast *node); /* number, duration or boolean */
bool bt_ast_is_arithmetic(const bt_ast *node);
/* "==", "contains", …; "in" and "not in" for lists. */
const char *bt_operator_name(bt_comparison_operator op);
const char *bt_clause_name(bt_clause_kind kind);

#endif
