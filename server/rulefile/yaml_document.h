/* YAML text as a tree. The only user of libyaml; what a rule file may not have (aliases, tags, duplicate keys, several
 * documents, NULs, deep nesting) is refused here. For server/rulefile, and for server/sampler, which reads what it
 * wrote. Thread: no state; a document belongs to one thread. */
#ifndef BT_SERVER_RULEFILE_YAML_DOCUMENT_H
#define BT_SERVER_RULEFILE_YAML_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_yaml_kind { BT_YAML_SCALAR, BT_YAML_LIST, BT_YAML_MAP } bt_yaml_kind;

typedef struct bt_yaml_node bt_yaml_node;
struct bt_yaml_node {
  bt_yaml_kind kind;
  bool is_plain;         /* a scalar without quotes: its type is in its form */
  bool is_literal;       /* a block with "|" */
  unsigned line, column; /* from 1, columns in code points */
  size_t offset;         /* of its first byte in the source */
  bt_str text;           /* of a scalar; NUL-terminated, no NUL inside */
  bt_yaml_node *first;   /* list: its items; map: key, value, key, value, … */
  bt_yaml_node *last, *next;
  size_t count;  /* items, or pairs */
  uint64_t hash; /* of the text of a key */
};

typedef struct bt_yaml_document {
  const char *file_name; /* borrowed; for messages */
  bt_arena *arena;       /* borrowed; holds the tree */
  bt_yaml_node *root;
  bt_str source;       /* what was parsed; borrowed or in the arena */
  size_t *line_starts; /* byte offsets of lines, as libyaml counts them */
  size_t line_count;
  bt_buffer
      *problems; /* borrowed; NULL: reading ends at the first problem. Else a line for each, and reading goes on */
} bt_yaml_document;

/* BT_INVALID: no YAML, or something that a rule file may not have, with its place. BT_NO_MEMORY. */
bt_status bt_yaml_document_parse(bt_yaml_document *document, bt_str text, const char *file_name, bt_arena *arena,
                                 bt_error *error) BT_MUST_CHECK;

/* The same of a file that is not ours, where anchors and tags say nothing and an alias is an empty text. BT_INVALID,
 * BT_NO_MEMORY. */
bt_status bt_yaml_document_parse_foreign(bt_yaml_document *document, bt_str text, const char *file_name,
                                         bt_arena *arena, bt_error *error) BT_MUST_CHECK;

/* BT_INVALID with "file:line:column: …". */
bt_status bt_yaml_fail(const bt_yaml_document *document, const bt_yaml_node *node, bt_error *error, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));
/* The bytes of a line of the source, from 1, with its break; empty past the end. */
bt_str bt_yaml_line(const bt_yaml_document *document, unsigned line);

#endif
