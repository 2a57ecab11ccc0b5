/* What the files of context.c share. Pure. Thread: no state. Offsets and ranges are bytes. */
#ifndef BT_SERVER_EDITOR_CONTEXT_PARTS_H
#define BT_SERVER_EDITOR_CONTEXT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/lexer.h"
#include "server/editor/context.h"

typedef enum bt_place_kind { BT_PLACE_CODE, BT_PLACE_STRING, BT_PLACE_COMMENT } bt_place_kind;

typedef struct bt_text_place {
  bt_range inside; /* of the string, without its quotes */
  uint32_t start;  /* its first quote */
  char quote;
  bool is_closed;
} bt_text_place;

/* In what the offset stands. Reads strings and comments as the lexer does. */
bt_place_kind bt_place_find(bt_str text, size_t offset, bt_text_place *out);
/* The path, number or part of it around the offset, which is code; empty where nothing stands before the offset. */
bt_range bt_word_find(bt_str text, size_t offset);
/* The word from the first letter that a cursor touches, so that the beginning of a word is in it too. */
bt_range bt_word_touched(bt_str text, size_t offset);

enum { BT_MAX_FRAMES = 2 * BT_MAX_NESTING + 8 };

typedef enum bt_frame_kind {
  BT_FRAME_TOP,
  BT_FRAME_CLAUSE,
  BT_FRAME_GROUP,
  BT_FRAME_CALL,
  BT_FRAME_WHERE,
  BT_FRAME_LIST,
  BT_FRAME_INDEX,
  BT_FRAME_ANNOTATION
} bt_frame_kind;

typedef enum bt_stage {
  BT_STAGE_START,    /* of a condition or test */
  BT_STAGE_OPERAND,  /* behind an arithmetic sign */
  BT_STAGE_DONE,     /* an operand stands there */
  BT_STAGE_RIGHT,    /* behind a comparison sign */
  BT_STAGE_COMPARED, /* the right side stands there too */
  BT_STAGE_NOT,      /* `not` behind an operand: `in` follows */
  BT_STAGE_IN,       /* a list follows */
  BT_STAGE_POINT,
  BT_STAGE_RELATED, /* the point stands there */
  BT_STAGE_DURATION,
  BT_STAGE_OF,
  BT_STAGE_TO,    /* behind linked: `to` or `from` follows */
  BT_STAGE_OVER,  /* a number follows */
  BT_STAGE_LINKS, /* the number stands there */
  BT_STAGE_AS,
  BT_STAGE_BOUND /* the name stands there */
} bt_stage;

typedef enum bt_links {
  BT_LINKS_NONE,
  BT_LINKS_ONE,    /* linked to, linked from */
  BT_LINKS_COUNTED /* downstream of: `over 2 links` may follow */
} bt_links;

typedef struct bt_frame {
  bt_frame_kind kind;
  bt_editor_site site;
  bt_stage stage;
  bt_str name;       /* of a CALL, INDEX or ANNOTATION */
  uint32_t argument; /* of a CALL, from 0; of an ANNOTATION how many tokens stand in it */
  bt_left_kind left_kind;
  bt_str left, left_key;
  bool is_value;        /* the operand is a number, an aggregate or a field: it has no relations */
  bool is_selection;    /* spans, with filters or by a call: it has no value to compare */
  bool is_condition;    /* it is true or false as it stands: only and, or follow */
  bool after_dot;       /* the last token is a dot that belongs to no path */
  bool between_pending; /* the first point of between stands there, or is to come */
  bt_links links;       /* of the last relation */
  bool joins_within;    /* behind a relation that `within` can follow */
  bool has_own_within;  /* `within d` of its own: `of` has to follow */
  bool is_within;       /* a `within d`, behind which `of` may stand, stands there */
  bool is_first;        /* of the TOP: no condition has begun */
  bool has_or;          /* an `or` stands in it: what its parts bind is not seen behind it */
  int visible_before;   /* bindings seen when it was opened */
  int not_before;       /* bindings seen before the `not` that this operand stands under; −1: under none */
} bt_frame;

typedef struct bt_walk {
  const bt_token *tokens;
  size_t count, at;
  bt_frame frames[BT_MAX_FRAMES];
  size_t depth; /* frames[depth − 1] is the innermost */
  bool is_lost; /* deeper than any rule */
  bt_str bindings[BT_MAX_BINDINGS];
  int visible, from_when; /* bindings seen here; those that `when` left */
  bool has_clause[3];
  int clause; /* the one that is open, −1: none */
} bt_walk;

/* The clause (bt_clause_kind) that this word is, −1: none. */
int bt_clause_of(const bt_token *token);
/* Goes over all tokens but the last, END. */
void bt_walk_run(bt_walk *walk, const bt_tokens *tokens);

#endif
