/* What an editor has to know about the language: its words with signatures and one-line docs, and how its text divides
 * into tokens. The words come from dsl/syntax/vocabulary.h and dsl/check/checker_vocabulary.h, that is out of the front
 * end's own tables; their docs stand here, and a test finds a word without one. Functions and relations come with
 * their help from dsl/rule/functions.h and relations.h. Pure: libc and dsl/. Thread: constant. */
#ifndef BT_SERVER_EDITOR_LANGUAGE_H
#define BT_SERVER_EDITOR_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"
#include "dsl/rule/rule.h"

typedef enum bt_word_class {
  BT_WORD_CLAUSE,     /* when, always, never */
  BT_WORD_LOGIC,      /* and, or, not */
  BT_WORD_CONSTANT,   /* true, false */
  BT_WORD_OPERATOR,   /* comparisons and arithmetic, words and signs */
  BT_WORD_RELATION,   /* before, child of, … */
  BT_WORD_PART,       /* as, where, of */
  BT_WORD_FUNCTION,   /* trace.has, count, … */
  BT_WORD_FIELD,      /* span.name, trace.duration, … */
  BT_WORD_ANNOTATION, /* severity, semconv */
  BT_WORD_CLASSES     /* how many there are */
} bt_word_class;
const char *bt_word_class_name(bt_word_class class); /* "clause", … */

typedef struct bt_language_word {
  bt_word_class class;
  const char *name;      /* as it is written */
  const char *signature; /* "sum(spans, value)"; of fields the type; else the shape in which it stands */
  const char *doc;       /* a sentence or two */
} bt_language_word;

/* Word number i; false past the end. name is never NULL; doc is NULL only when somebody forgot it. */
bool bt_language_word_at(size_t i, bt_language_word *out);
/* By name, among classes (a bit each: 1 << class; 0: any). */
bool bt_language_find(bt_str name, unsigned classes, bt_language_word *out);
/* The word of the language that an offset (in bytes) touches, and where it stands. False: there is none, or it is in a
 * string or a comment. */
bool bt_language_at(bt_str text, size_t offset, bt_range *range, bt_language_word *out);
const char *bt_type_name(bt_type type);

typedef struct bt_token_class {
  const char *name; /* "comment", "string", … */
  const char
      *pattern; /* a regular expression that JavaScript, Python and RE2 read alike; the first class that matches wins */
} bt_token_class;
/* Ends with a NULL name. Between two tokens stand only blanks. */
extern const bt_token_class bt_token_classes[];

#endif
