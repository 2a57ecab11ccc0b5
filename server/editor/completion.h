/* What could be written at a place of a rule's text: words of the language, bindings, and, asked for by `wants`, names
 * and values that the traces have. The text need not be a rule yet. Pure: libc and dsl/. Thread: belongs to one thread.
 */
#ifndef BT_SERVER_EDITOR_COMPLETION_H
#define BT_SERVER_EDITOR_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/own_names.h"
#include "dsl/trace/value.h"

enum { BT_COMPLETION_MAX_ITEMS = 500, BT_COMPLETION_MAX_WANTS = 4 };

typedef enum bt_completion_kind { /* in the order in which items of one rank come */
                                  BT_COMPLETION_CLAUSE,
                                  BT_COMPLETION_BINDING,
                                  BT_COMPLETION_VALUE,
                                  BT_COMPLETION_SPAN,
                                  BT_COMPLETION_SERVICE,
                                  BT_COMPLETION_ATTRIBUTE,
                                  BT_COMPLETION_FIELD,
                                  BT_COMPLETION_FUNCTION,
                                  BT_COMPLETION_KEYWORD,
                                  BT_COMPLETION_OPERATOR,
                                  BT_COMPLETION_KINDS
} bt_completion_kind;
const char *bt_completion_kind_name(bt_completion_kind kind); /* "clause", … */

typedef struct bt_completion_item {
  bt_completion_kind kind;
  bt_str label;             /* what people see */
  bt_str insert;            /* what takes the place of the range */
  const char *detail, *doc; /* a signature or type, a sentence; constants or in the arena, or NULL */
  unsigned rank;            /* how well it fits what was typed; 0: best */
} bt_completion_item;

typedef enum bt_want_of { /* where names and values come from */
                          BT_WANT_SPAN_NAMES,
                          BT_WANT_SERVICES,
                          BT_WANT_STATUS_MESSAGES,
                          BT_WANT_SPAN_ATTRIBUTES,
                          BT_WANT_RESOURCE_ATTRIBUTES,
                          BT_WANT_EVENT_ATTRIBUTES,
                          BT_WANT_LINK_ATTRIBUTES,
                          BT_WANT_SCOPE_ATTRIBUTES,
                          BT_WANT_ANY_ATTRIBUTES /* of the span or its resource */
} bt_want_of;

typedef enum bt_want_form {                 /* how they are written where the cursor is */
                            BT_FORM_NAME,   /* a selection: quoted where it has to be */
                            BT_FORM_FIELD,  /* behind `front`; where that cannot be, in brackets or quotes */
                            BT_FORM_DIRECT, /* behind `front`, a span's name, as in payment.amount > 5: keys of one
                                               segment only */
                            BT_FORM_VALUE,  /* strings in quotes */
                            BT_FORM_INSIDE  /* of the string that the cursor is in */
} bt_want_form;

typedef struct bt_completion_want {
  bt_want_of of;
  bt_str key; /* values of this attribute; ptr NULL: the names (of attributes), or the values of the field that `of`
                 names */
  bt_completion_kind kind;
  bt_want_form form;
  bt_str front;    /* FIELD, DIRECT: "span.", "c.", "payment.", or nothing */
  bt_str brackets; /* FIELD: what stands before [" in the other form: "span.attributes"; empty: the key in quotes */
} bt_completion_want;

typedef struct bt_completion {
  bt_range range; /* of the text: what an item's `insert` takes the place of */
  bt_completion_item *items;
  size_t count, capacity;
  bool is_cut; /* there were more than BT_COMPLETION_MAX_ITEMS */
  bt_completion_want wants[BT_COMPLETION_MAX_WANTS];
  size_t want_count;
  /* of its own files */
  bt_str typed; /* what stands between the range's start and the cursor; of a string decoded */
  char quote;   /* inside a string: its quote */
  bool is_closed;
  bt_arena arena;
} bt_completion;

/* `beside`: what the rule's file says next to its text; NULL: nothing. Its words are offered, and those of the text.
 * offset: bytes; one inside a character counts as its beginning. BT_INVALID: past the end, or a text over
 * BT_MAX_RULE_BYTES. Dispose of *out in every case. */
bt_status bt_completion_run(bt_str text, size_t offset, const bt_own_names *beside, bt_completion *out,
                            bt_error *error) BT_MUST_CHECK;
/* Adds an answer to a want, if it fits what was typed. BT_NO_MEMORY alone. */
bt_status bt_completion_add(bt_completion *completion, const bt_completion_want *want, bt_str text, bt_value_type type,
                            bt_error *error) BT_MUST_CHECK;
/* Best first, each once, and the best BT_COMPLETION_MAX_ITEMS of them. After everything was added. */
void bt_completion_sort(bt_completion *completion);
void bt_completion_dispose(bt_completion *completion);

#endif
