/* Where a rule's text is in an open document, and the way from an offset of one to an offset of the other. A block of
 * YAML is indented, a text on one line may have quotes, and a document of one rule is its text. Offsets are bytes.
 * Borrows the document's text. Thread: no state. */
#ifndef BT_SERVER_LSP_PLACE_H
#define BT_SERVER_LSP_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"
#include "server/rulefile/rulefile.h"

typedef struct bt_lsp_place {
  bt_str file;
  size_t start;         /* of a block its first line, else the text's first byte */
  size_t end;           /* behind it, as far as that is known */
  unsigned indentation; /* of a block */
  bool is_block;
  bool is_exact; /* false: the text is written in a way that gives no columns (folded, with escapes) */
  char quote;    /* around a text on one line; 0: none */
} bt_lsp_place;

/* The place of a document that is one rule's text. */
bt_lsp_place bt_lsp_place_of_text(bt_str file);
/* Of a rule as the reader of rule files found it. */
bt_lsp_place bt_lsp_place_of_rule(bt_str file, const bt_rulefile_rule *rule);
/* Around an offset of a file that may be half written and need not be YAML: found by its lines alone. False: the offset
 * is in no rule's text. */
bool bt_lsp_place_around(bt_str file, size_t offset, bt_lsp_place *out);

/* Appends the rule's text. For a place that is exact. */
void bt_lsp_place_read(const bt_lsp_place *place, bt_buffer *text);
/* Offset of the rule's text → of the file. Of a place that is not exact: its start. */
size_t bt_lsp_place_to_file(const bt_lsp_place *place, bt_str text, size_t offset);
/* And back, for an offset within the place. */
size_t bt_lsp_place_to_text(const bt_lsp_place *place, bt_str text, size_t offset);
/* Appends a piece of a rule's text as it has to be written there: indented, or with its quotes escaped. */
void bt_lsp_place_write(const bt_lsp_place *place, bt_str piece, bt_buffer *out);

#endif
