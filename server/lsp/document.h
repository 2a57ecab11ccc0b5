/* A text that an editor has open, and its places as LSP counts them: lines from 0, and characters from 0 in the units
 * that were agreed on. A line ends with \n, \r\n or \r. Owns its text, which is valid UTF-8. Offsets are
 * bytes. Thread: belongs to one thread. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_LSP_DOCUMENT_H
#define BT_SERVER_LSP_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/shared_names.h"

typedef enum bt_lsp_units { BT_LSP_UTF16, BT_LSP_UTF8 } bt_lsp_units;

typedef enum bt_lsp_kind {
  BT_LSP_OTHER,     /* some YAML that is no rule file: nothing is said about it */
  BT_LSP_RULE_FILE, /* YAML or JSON */
  BT_LSP_RULE_TEXT  /* one rule's text alone */
} bt_lsp_kind;

typedef struct bt_lsp_position {
  size_t line, character;
} bt_lsp_position;

typedef struct bt_lsp_document {
  char *uri, *language;
  int64_t version;
  bt_buffer text;
  size_t *lines; /* where each begins; there is always one */
  size_t line_count, line_capacity;
  bool is_too_large;      /* its text is not kept; only a whole new one helps */
  bt_shared_names *names; /* see bt_lsp_document_learn_names */
} bt_lsp_document;

/* Copies all three. BT_NO_MEMORY; dispose of it in every case. */
bt_status bt_lsp_document_open(bt_lsp_document *document, bt_str uri, bt_str language, bt_str text,
                               bt_error *error) BT_MUST_CHECK;
void bt_lsp_document_dispose(bt_lsp_document *document);
bt_lsp_kind bt_lsp_document_kind(const bt_lsp_document *document);
bt_str bt_lsp_document_text(const bt_lsp_document *document);

/* Of file:///rules/a%20b.yaml its path, on the heap; NULL: it lies in no folder of this machine. */
char *bt_lsp_document_path(const bt_lsp_document *document);
/* Reads the aliases and names that a rule file gives, with those of the files that it uses, into `names`. While
 * somebody types, they may not be readable; then those from before stay. */
void bt_lsp_document_learn_names(bt_lsp_document *document);

/* [start, end) of the text becomes `text`; a text that grows beyond BT_RULEFILE_MAX_BYTES is let go. */
bt_status bt_lsp_document_replace(bt_lsp_document *document, size_t start, size_t end, bt_str text,
                                  bt_error *error) BT_MUST_CHECK;
bt_status bt_lsp_document_set(bt_lsp_document *document, bt_str text, bt_error *error) BT_MUST_CHECK;

/* Past the end of a line: its end. Past the last line: the end. Inside a character: its beginning. */
size_t bt_lsp_document_offset(const bt_lsp_document *document, bt_lsp_units units, bt_lsp_position position);
bt_lsp_position bt_lsp_document_position(const bt_lsp_document *document, bt_lsp_units units, size_t offset);
size_t bt_lsp_document_line_of(const bt_lsp_document *document, size_t offset);
/* Of a line from 0, without its break; empty past the last one. */
bt_range bt_lsp_document_line(const bt_lsp_document *document, size_t line);

#endif
