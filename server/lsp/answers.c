/* Diagnostics, quick fixes and symbols of a document. See answers.h. */
#include "server/lsp/answers.h"

#include <stdio.h>

#include "server/json/json_values.h"

enum { SEVERITY_ERROR = 1, SEVERITY_WARNING = 2, SYMBOL_FUNCTION = 12, SYMBOL_EVENT = 24 };

static json_t *position_json(const bt_lsp_client *client, const bt_lsp_document *document, size_t offset) {
  bt_lsp_position position = bt_lsp_document_position(document, client->units, offset);
  return json_pack("{s:I, s:I}", "line", (json_int_t)position.line, "character", (json_int_t)position.character);
}

json_t *bt_lsp_range_json(const bt_lsp_client *client, const bt_lsp_document *document, bt_range range) {
  return json_pack("{s:o, s:o}", "start", position_json(client, document, range.start), "end",
                   position_json(client, document, range.end));
}

/* ---- diagnostics ---- */

/* The rule that a problem belongs to: a file has many. */
static json_t *related_json(const bt_lsp_client *client, const bt_lsp_document *document,
                            const bt_lsp_finding *finding) {
  char message[200];
  size_t line = bt_lsp_document_line_of(document, finding->rule_at);
  snprintf(message, sizeof message, "in rule %.*s", BT_FMT(finding->rule_id));
  return json_pack("[{s:{s:s, s:o}, s:s}]", "location", "uri", document->uri, "range",
                   bt_lsp_range_json(client, document, bt_lsp_document_line(document, line)), "message", message);
}

static json_t *diagnostic_json(const bt_lsp_client *client, const bt_lsp_document *document,
                               const bt_lsp_finding *finding) {
  json_t *diagnostic = json_pack("{s:o, s:i, s:s, s:o}", "range", bt_lsp_range_json(client, document, finding->range),
                                 "severity", finding->is_error ? SEVERITY_ERROR : SEVERITY_WARNING, "source", "betrace",
                                 "message", bt_text_json(finding->message));
  if (finding->code[0]) bt_json_set(diagnostic, "code", json_string(finding->code));
  if (client->has_related_places && finding->rule_id.len)
    bt_json_set(diagnostic, "relatedInformation", related_json(client, document, finding));
  return diagnostic;
}

static json_t *left_out_json(const bt_lsp_client *client, const bt_lsp_document *document, size_t left_out) {
  char message[100];
  snprintf(message, sizeof message, "%zu more problems are not shown", left_out);
  return json_pack("{s:o, s:i, s:s, s:s}", "range", bt_lsp_range_json(client, document, (bt_range){0, 0}), "severity",
                   SEVERITY_ERROR, "source", "betrace", "message", message);
}

json_t *bt_lsp_diagnostics_json(const bt_lsp_client *client, const bt_lsp_document *document,
                                const bt_lsp_findings *findings) {
  json_t *array = json_array();
  for (size_t i = 0; findings && i < findings->count; i++)
    bt_json_append(array, diagnostic_json(client, document, &findings->items[i]));
  if (findings && findings->left_out) bt_json_append(array, left_out_json(client, document, findings->left_out));
  json_t *params = json_pack("{s:s, s:o}", "uri", document->uri, "diagnostics", array);
  if (findings) bt_json_set(params, "version", json_integer(document->version));
  return params;
}

/* ---- quick fixes ---- */

static json_t *title_json(bt_str old, bt_str new) {
  char title[200];
  int cut_old = old.len < 60 ? (int)old.len : 60, cut_new = new.len < 60 ? (int)new.len : 60;
  if (!new.len)
    snprintf(title, sizeof title, "Remove `%.*s`", cut_old, old.ptr);
  else if (!old.len)
    snprintf(title, sizeof title, "Insert `%.*s`", cut_new, new.ptr);
  else
    snprintf(title, sizeof title, "Replace `%.*s` with `%.*s`", cut_old, old.ptr, cut_new, new.ptr);
  return bt_text_json(bt_str_from(title)); /* a cut may have gone through a character */
}

static json_t *edit_json(const bt_lsp_client *client, const bt_lsp_document *document, bt_range range, bt_str text) {
  json_t *edits = json_pack("[{s:o, s:o}]", "range", bt_lsp_range_json(client, document, range), "newText",
                            json_stringn(text.ptr ? text.ptr : "", text.len));
  if (client->has_versioned_edits)
    return json_pack("{s:[{s:{s:s, s:I}, s:o}]}", "documentChanges", "textDocument", "uri", document->uri, "version",
                     (json_int_t)document->version, "edits", edits);
  return json_pack("{s:{s:o}}", "changes", document->uri, edits);
}

static json_t *action_json(const bt_lsp_client *client, const bt_lsp_document *document,
                           const bt_lsp_finding *finding) {
  bt_str text = bt_lsp_document_text(document);
  bt_str old = {text.ptr + finding->fix_range.start, finding->fix_range.end - finding->fix_range.start};
  return json_pack("{s:o, s:s, s:b, s:[o], s:o}", "title", title_json(old, finding->fix_text), "kind", "quickfix",
                   "isPreferred", 1, "diagnostics", diagnostic_json(client, document, finding), "edit",
                   edit_json(client, document, finding->fix_range, finding->fix_text));
}

static bool touches_range(bt_range a, bt_range b) {
  return a.start <= b.end && b.start <= a.end;
}

json_t *bt_lsp_actions_json(const bt_lsp_client *client, const bt_lsp_document *document,
                            const bt_lsp_findings *findings, bt_range range) {
  json_t *array = json_array();
  for (size_t i = 0; client->has_action_literals && i < findings->count; i++) {
    const bt_lsp_finding *finding = &findings->items[i];
    if (finding->has_fix && (touches_range(finding->range, range) || touches_range(finding->fix_range, range)))
      bt_json_append(array, action_json(client, document, finding));
  }
  return array;
}

/* ---- symbols ---- */

static json_t *symbol_json(const bt_lsp_client *client, const bt_lsp_document *document, const bt_lsp_symbol *symbol) {
  bt_range whole = {(uint32_t)symbol->at, (uint32_t)symbol->end};
  bt_range line = bt_lsp_document_line(document, bt_lsp_document_line_of(document, symbol->at));
  return json_pack("{s:o, s:i, s:o, s:o}", "name", bt_text_json(symbol->name), "kind",
                   symbol->is_test ? SYMBOL_EVENT : SYMBOL_FUNCTION, "range",
                   bt_lsp_range_json(client, document, whole), "selectionRange",
                   bt_lsp_range_json(client, document, line));
}

static json_t *flat_symbol_json(const bt_lsp_client *client, const bt_lsp_document *document,
                                const bt_lsp_symbol *symbol) {
  bt_range whole = {(uint32_t)symbol->at, (uint32_t)symbol->end};
  return json_pack("{s:o, s:i, s:{s:s, s:o}}", "name", bt_text_json(symbol->name), "kind",
                   symbol->is_test ? SYMBOL_EVENT : SYMBOL_FUNCTION, "location", "uri", document->uri, "range",
                   bt_lsp_range_json(client, document, whole));
}

json_t *bt_lsp_symbols_json(const bt_lsp_client *client, const bt_lsp_document *document,
                            const bt_lsp_findings *findings) {
  json_t *array = json_array(), *children = NULL;
  for (size_t i = 0; i < findings->symbol_count; i++) {
    const bt_lsp_symbol *symbol = &findings->symbols[i];
    json_t *item =
        client->has_symbol_tree ? symbol_json(client, document, symbol) : flat_symbol_json(client, document, symbol);
    if (client->has_symbol_tree && symbol->is_test && children) {
      bt_json_append(children, item);
      continue;
    }
    bt_json_append(array, item);
    if (client->has_symbol_tree && !symbol->is_test) {
      children = json_array();
      bt_json_set(item, "children", children);
    }
  }
  return array;
}
