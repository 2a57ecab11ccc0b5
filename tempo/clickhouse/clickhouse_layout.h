/* The schemas that can be read: the columns that show which it is, what each value of a row is there, and how
 * attributes are kept. All else is the same. Thread: constants. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_LAYOUT_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"
#include "tempo/clickhouse/span_rows.h"

/* A column, and how its type begins. One that is JSON may say nothing more than how many paths it has. */
typedef struct bt_clickhouse_column {
  const char *name, *type;
} bt_clickhouse_column;
bool bt_clickhouse_column_is(const bt_clickhouse_column *column, bt_str name, bt_str type);

/* Attributes that are kept together, by the types that they have. */
typedef enum bt_clickhouse_type {
  BT_CLICKHOUSE_TEXTS, /* and what was written as one */
  BT_CLICKHOUSE_NUMBERS,
  BT_CLICKHOUSE_BOOLEANS,
  BT_CLICKHOUSE_OTHERS, /* Jaeger's bytes, maps and lists: a word stands before the key */
  BT_CLICKHOUSE_ANY     /* a JSON column */
} bt_clickhouse_type;

typedef struct bt_clickhouse_part {
  bt_clickhouse_type type;
  const char *column;        /* a Map or JSON; NULL: a list of keys beside one of values */
  const char *keys, *values; /* those lists */
} bt_clickhouse_part;

enum { BT_CLICKHOUSE_PARTS = 5 };
typedef struct bt_clickhouse_attributes {
  bt_clickhouse_part parts[BT_CLICKHOUSE_PARTS]; /* as row_attributes.h reads them */
  size_t count;                                  /* 0: not kept */
} bt_clickhouse_attributes;

/* Values of a row in their order (span_rows.h). */
typedef enum bt_clickhouse_value {
  BT_ROW_TRACE_ID,
  BT_ROW_SPAN_ID,
  BT_ROW_PARENT,
  BT_ROW_TRACE_STATE,
  BT_ROW_NAME,
  BT_ROW_KIND,
  BT_ROW_SERVICE,
  BT_ROW_RESOURCE, /* attributes */
  BT_ROW_SCOPE_NAME,
  BT_ROW_SCOPE_VERSION,
  BT_ROW_SCOPE, /* attributes */
  BT_ROW_SPAN,  /* attributes */
  BT_ROW_START,
  BT_ROW_DURATION,
  BT_ROW_STATUS,
  BT_ROW_MESSAGE,
  BT_ROW_FLAGS,
  BT_ROW_CHECK,
  BT_ROW_EVENT_TIMES,
  BT_ROW_EVENT_NAMES,
  BT_ROW_EVENTS, /* attributes */
  BT_ROW_LINK_TRACES,
  BT_ROW_LINK_SPANS,
  BT_ROW_LINKS, /* attributes */
  BT_ROW_VALUES
} bt_clickhouse_value;

/* Rows that most tables have none of: of spans that take very long, without a start, of a broken clock. */
typedef enum bt_clickhouse_rare {
  BT_CLICKHOUSE_LONG,
  BT_CLICKHOUSE_AT_ZERO,
  BT_CLICKHOUSE_BROKEN,
  BT_CLICKHOUSE_RARE
} bt_clickhouse_rare;

/* What began so many ns before a range, and reaches into it, is found by its duration. {from} lies as long before
 * {start}. */
#define BT_CLICKHOUSE_LONG_NS    600000000000
#define BT_CLICKHOUSE_TEXT_OF(x) #x
#define BT_CLICKHOUSE_TEXT(x)    BT_CLICKHOUSE_TEXT_OF(x)
#define BT_CLICKHOUSE_LONG_TEXT  BT_CLICKHOUSE_TEXT(BT_CLICKHOUSE_LONG_NS)
typedef struct bt_clickhouse_layout {
  const char *name;                    /* for people */
  bt_clickhouse_column sign;           /* no other schema has it */
  const bt_clickhouse_column *columns; /* that it is read by */
  size_t column_count;
  /* Conditions. Of rows that overlap a range, with {start}, {from} and {end}: each meets `within`, or the one of its
   * rare kind; of rows that lie near one, from {from} to {end}; of rare rows anywhere: those of a broken clock are
   * before 2000, or of tomorrow and later. */
  const char *within, *within_rare[BT_CLICKHOUSE_BROKEN], *near, *rare[BT_CLICKHOUSE_RARE];
  const char *start; /* its column */
  struct {
    const char *name; /* of the table of first and last times; with _ at its beginning: behind that of the spans */
    const char *id, *start, *first, *last; /* its columns; start and end as ns */
  } times;
  const char *key;                                /* the trace id as it is compared with ids */
  const char *row[BT_ROW_VALUES];                 /* SQL of each value; NULL: it is not in the row, or attributes */
  bt_clickhouse_attributes resource, scope, span; /* of these */
  const char *event_maps;                         /* a list of Map; NULL: attributes of events are kept otherwise */
  const bt_row_form *form;
} bt_clickhouse_layout;

/* Whether a column is the layout's sign. */
bool bt_clickhouse_shows(const bt_clickhouse_layout *layout, bt_str name, bt_str type);

enum { BT_CLICKHOUSE_LAYOUTS = 4, BT_CLICKHOUSE_MOST_COLUMNS = 96 };
extern const bt_clickhouse_layout bt_clickhouse_layouts[BT_CLICKHOUSE_LAYOUTS];

#endif
