/* A condition as a tree: what the reader (ottl_read.c) hands to the judge (ottl_holds.c). For these two alone. Thread:
 * see ottl.h. */
#ifndef BT_SERVER_SAMPLER_OTTL_NODE_H
#define BT_SERVER_SAMPLER_OTTL_NODE_H

#include <stdbool.h>

#include "dsl/pattern/pattern.h"
#include "dsl/trace/value.h"
#include "server/sampler/ottl.h"

typedef enum bt_ottl_kind {
  BT_OTTL_CONSTANT, /* value: BOOL */
  BT_OTTL_AND,
  BT_OTTL_OR,
  BT_OTTL_NOT,     /* of left */
  BT_OTTL_IS,      /* left, a path, has a value of type `is` */
  BT_OTTL_MATCH,   /* left, pattern */
  BT_OTTL_COMPARE, /* left op right, which are of those that follow */
  BT_OTTL_LITERAL, /* value; MISSING: nil */
  BT_OTTL_PATH,
  BT_OTTL_DOUBLE, /* of left, a path */
  BT_OTTL_MINUS   /* left − right, paths */
} bt_ottl_kind;

typedef enum bt_ottl_path {
  BT_OTTL_NAME,
  BT_OTTL_KIND,
  BT_OTTL_STATUS,
  BT_OTTL_MESSAGE,
  BT_OTTL_START,
  BT_OTTL_END,
  BT_OTTL_LINK_COUNT,
  BT_OTTL_SCOPE_NAME,
  BT_OTTL_SCOPE_VERSION,
  BT_OTTL_EVENT_NAME,
  BT_OTTL_OF_SPAN, /* attributes: key */
  BT_OTTL_OF_RESOURCE,
  BT_OTTL_OF_SCOPE,
  BT_OTTL_OF_EVENT
} bt_ottl_path;

typedef enum bt_ottl_type {
  BT_OTTL_STRING,
  BT_OTTL_INT,
  BT_OTTL_BOOL,
  BT_OTTL_IS_DOUBLE,
  BT_OTTL_MAP,
  BT_OTTL_LIST
} bt_ottl_type;
typedef enum bt_ottl_sign { BT_OTTL_EQ, BT_OTTL_NE, BT_OTTL_LE, BT_OTTL_GE, BT_OTTL_LT, BT_OTTL_GT } bt_ottl_sign;

struct bt_ottl {
  bt_ottl_kind kind;
  bt_ottl_path path;
  bt_ottl_type is;
  bt_ottl_sign op;
  bt_str key;
  bt_value value;
  bt_pattern *pattern;
  struct bt_ottl *left, *right, *next_pattern;
};

#endif
