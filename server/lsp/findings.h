/* What `betrace check` says about a document, at places of the document, and which rules it has. One bad rule
 * does not hide what is wrong with the others. Owns its texts. Offsets are bytes of the document. Thread: belongs to
 * one thread. */
#ifndef BT_SERVER_LSP_FINDINGS_H
#define BT_SERVER_LSP_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/lsp/document.h"

enum { BT_LSP_MAX_FINDINGS = 1000 }; /* more of one document are counted, not kept */

typedef struct bt_lsp_finding {
  bt_range range;
  size_t number; /* in which it was found; of one place the first stays first */
  bool is_error; /* else a warning */
  char code[5];  /* "E012"; "": something else than a rule's text is wrong */
  bt_str message;
  bool has_fix;
  bt_range fix_range;
  bt_str fix_text; /* as it has to be written in the document */
  bt_str rule_id;  /* of which rule; len 0: of none */
  size_t rule_at;
} bt_lsp_finding;

typedef struct bt_lsp_symbol {
  bt_str name;
  bool is_test; /* of the rule before it; else a rule */
  size_t at;    /* where its first line begins */
  size_t end;   /* behind its last line */
} bt_lsp_symbol;

typedef struct bt_lsp_findings {
  bt_lsp_finding *items; /* by place */
  size_t count, capacity, left_out;
  bt_lsp_symbol *symbols; /* by place; of a file that cannot be read none */
  size_t symbol_count, symbol_capacity;
  bt_arena arena;
} bt_lsp_findings;

/* Fails for want of memory only. Dispose of *out in every case. */
bt_status bt_lsp_findings_of(const bt_lsp_document *document, bt_lsp_findings *out, bt_error *error) BT_MUST_CHECK;
void bt_lsp_findings_dispose(bt_lsp_findings *findings);

#endif
