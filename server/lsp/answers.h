/* What the server says about one document, as the JSON of LSP 3.17. New objects; NULL, or a missing part, is want of
 * memory (server/json/json_memory.h knows). Thread: belongs to one thread. Offsets are bytes. */
#ifndef BT_SERVER_LSP_ANSWERS_H
#define BT_SERVER_LSP_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/lsp/document.h"
#include "server/lsp/findings.h"

/* What the client said that it can do. */
typedef struct bt_lsp_client {
  bt_lsp_units units;
  bool reads_markdown;      /* of hovers and completions */
  bool has_symbol_tree;     /* DocumentSymbol, else SymbolInformation */
  bool has_action_literals; /* CodeAction, else there are no quick fixes */
  bool has_versioned_edits; /* documentChanges */
  bool has_related_places;
} bt_lsp_client;

json_t *bt_lsp_range_json(const bt_lsp_client *client, const bt_lsp_document *document, bt_range range);

/* PublishDiagnosticsParams; findings NULL: there is nothing any more. */
json_t *bt_lsp_diagnostics_json(const bt_lsp_client *client, const bt_lsp_document *document,
                                const bt_lsp_findings *findings);
/* CodeAction[] for the fixes that touch the range. */
json_t *bt_lsp_actions_json(const bt_lsp_client *client, const bt_lsp_document *document,
                            const bt_lsp_findings *findings, bt_range range);
json_t *bt_lsp_symbols_json(const bt_lsp_client *client, const bt_lsp_document *document,
                            const bt_lsp_findings *findings);

/* The next ones set *out. They fail for want of memory, and with BT_REFUSED where the user is to be told why. */
bt_status bt_lsp_complete(const bt_lsp_client *client, const bt_lsp_document *document, size_t offset, json_t **out,
                          bt_error *error) BT_MUST_CHECK;
bt_status bt_lsp_hover(const bt_lsp_client *client, const bt_lsp_document *document, size_t offset, json_t **out,
                       bt_error *error) BT_MUST_CHECK;
bt_status bt_lsp_format(const bt_lsp_client *client, const bt_lsp_document *document, json_t **out,
                        bt_error *error) BT_MUST_CHECK;

#endif
