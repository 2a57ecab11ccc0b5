/* The checker's diagnostics at places of documents. See findings.h. */
#include "server/rules/rule_compile.h"
#include "server/lsp/findings.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "server/json/check_json.h"
#include "server/lsp/place.h"
#include "server/rulefile/checked_file.h"

static const char FILE_NAME[] = "rules"; /* stands in front of the reader's messages, and is taken off again */

enum { MAX_KEPT_BYTES = 64 * 1024 * 1024 };

typedef struct checking {
  const bt_lsp_document *document;
  bt_str file; /* its text */
  bt_lsp_findings *out;
  bool no_memory;
} checking;

/* ---- what is kept ---- */

static bt_str copy_text(checking *c, bt_str text) {
  bt_str out = BT_STR("");
  if (!bt_arena_copy(&c->out->arena, text, &out)) c->no_memory = true;
  return out;
}

static bt_lsp_finding *add_finding(checking *c, size_t start, size_t end, bt_str message) {
  bt_lsp_findings *out = c->out;
  if (out->count == BT_LSP_MAX_FINDINGS) return out->left_out++, NULL;
  bt_lsp_finding *items = bt_grow_array(out->items, out->count, &out->capacity, sizeof *items);
  if (!items) return c->no_memory = true, NULL;
  out->items = items;
  out->items[out->count] = (bt_lsp_finding){.range = {(uint32_t)start, (uint32_t)(end > start ? end : start)},
                                            .number = out->count,
                                            .is_error = true,
                                            .message = copy_text(c, message)};
  return &out->items[out->count++];
}

static void add_symbol(checking *c, bt_str name, bool is_test, unsigned line) {
  bt_lsp_findings *out = c->out;
  bt_lsp_symbol *items = bt_grow_array(out->symbols, out->symbol_count, &out->symbol_capacity, sizeof *items);
  if (!items) {
    c->no_memory = true;
    return;
  }
  size_t at = bt_lsp_document_line(c->document, line ? line - 1 : 0).start;
  out->symbols = items;
  out->symbols[out->symbol_count++] = (bt_lsp_symbol){copy_text(c, name), is_test, at, at};
}

/* ---- diagnostics of a rule's text ---- */

/* A place that gives no columns is underlined to the end of its line. */
static bt_range range_in_file(const checking *c, const bt_lsp_place *place, bt_str text, bt_range range) {
  size_t start = bt_lsp_place_to_file(place, text, range.start), end = bt_lsp_place_to_file(place, text, range.end);
  if (!place->is_exact) end = bt_lsp_document_line(c->document, bt_lsp_document_line_of(c->document, start)).end;
  return (bt_range){(uint32_t)start, (uint32_t)(end > start ? end : start)};
}

static void add_fix(checking *c, bt_lsp_finding *finding, const bt_lsp_place *place, bt_str text,
                    const bt_diagnostic *diagnostic) {
  bt_buffer written = {0};
  if (!diagnostic->has_fix || !place->is_exact) return;
  bt_lsp_place_write(place, diagnostic->fix_text, &written);
  c->no_memory = c->no_memory || written.failed;
  finding->has_fix = true;
  finding->fix_range = range_in_file(c, place, text, diagnostic->fix_range);
  finding->fix_text = copy_text(c, bt_buffer_str(&written));
  bt_buffer_dispose(&written);
}

static void add_diagnostics(checking *c, const bt_lsp_place *place, bt_str text, const bt_diagnostics *diagnostics,
                            bt_str rule_id, size_t rule_at) {
  c->no_memory = c->no_memory || diagnostics->no_memory;
  for (size_t i = 0; i < diagnostics->count; i++) {
    const bt_diagnostic *diagnostic = &diagnostics->items[i];
    bt_range range = range_in_file(c, place, text, diagnostic->range);
    bt_lsp_finding *finding = add_finding(c, range.start, range.end, diagnostic->message);
    if (!finding) continue;
    memcpy(finding->code, diagnostic->code, sizeof finding->code);
    finding->is_error = diagnostic->is_error;
    finding->rule_id = copy_text(c, rule_id);
    finding->rule_at = rule_at;
    add_fix(c, finding, place, text, diagnostic);
  }
}

static bt_status check_text(checking *c, bt_error *error) {
  bt_lsp_place place = bt_lsp_place_of_text(c->file);
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_error problem = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_compile_rule(c->file, true, &rule, &diagnostics, &problem);
  add_diagnostics(c, &place, c->file, &diagnostics, BT_STR(""), 0);
  if (status && status != BT_NO_MEMORY && !diagnostics.error_count)
    add_finding(c, 0, bt_lsp_document_line(c->document, 0).end, bt_str_from(problem.message));
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return status == BT_NO_MEMORY || c->no_memory ? bt_error_no_memory(error) : BT_OK;
}

/* ---- a rule file ---- */

static size_t start_of_line(const checking *c, unsigned line) {
  return bt_lsp_document_line(c->document, line ? line - 1 : 0).start;
}

/* The words of a line, without the blanks and dashes in front of them. */
static bt_range words_of_line(const checking *c, size_t line) {
  bt_range range = bt_lsp_document_line(c->document, line);
  while (range.start + 1 < range.end && strchr(" -", c->file.ptr[range.start])) range.start++;
  return range;
}

/* "severity: expected …" is about the line of that key, if the rule has one; else about its first. */
static bt_range words_of_key(const checking *c, size_t first, size_t behind, bt_str problem) {
  const char *colon = memchr(problem.ptr, ':', problem.len);
  bt_str key = {problem.ptr, colon ? (size_t)(colon - problem.ptr) + 1 : 0};
  for (size_t line = first; key.len && line < behind; line++) {
    bt_range range = words_of_line(c, line);
    if (bt_str_starts_with((bt_str){c->file.ptr + range.start, range.end - range.start}, key)) return range;
  }
  return words_of_line(c, first);
}

static void add_rule(checking *c, const bt_checked_file *file, size_t i) {
  const bt_checked_rule *rule = &file->rules[i];
  const bt_rulefile_rule *source = rule->source;
  bt_lsp_place place = bt_lsp_place_of_rule(c->file, source);
  size_t first = source->line ? source->line - 1 : 0;
  size_t behind = i + 1 < file->rule_count ? file->rules[i + 1].source->line - 1 : c->document->line_count;
  size_t at = start_of_line(c, source->line);
  add_symbol(c, rule->id.len ? rule->id : BT_STR("a rule"), false, source->line);
  for (uint32_t k = 0; k < source->test_count; k++)
    add_symbol(c, source->tests[k].name.len ? source->tests[k].name : BT_STR("a test"), true, source->tests[k].line);
  add_diagnostics(c, &place, rule->dsl, &rule->diagnostics, rule->id, at);
  if (!rule->problem.ptr) return;
  bt_range range = words_of_key(c, first, behind, rule->problem);
  bt_lsp_finding *finding = add_finding(c, range.start, range.end, rule->problem);
  if (!finding) return;
  finding->rule_id = copy_text(c, rule->id);
  finding->rule_at = at;
}

/* "rules:12:5: expected …", with the column in code points: from there to the end of the line. */
static void add_file_problem(checking *c, const char *message) {
  bt_file_problem problem = bt_file_problem_of(FILE_NAME, message);
  bt_range line = bt_lsp_document_line(c->document, problem.line ? problem.line - 1 : 0);
  size_t at = line.start;
  uint32_t code_point;
  for (unsigned column = 1; column < problem.column && at < line.end; column++) {
    size_t bytes = bt_utf8_sequence((bt_str){c->file.ptr + at, line.end - at}, &code_point);
    at += bytes ? bytes : 1;
  }
  add_finding(c, at, line.end, bt_str_from(problem.message));
}

static void add_unused(checking *c, const bt_diagnostics *unused) {
  for (size_t i = 0; i < unused->count; i++) {
    const bt_diagnostic *diagnostic = &unused->items[i];
    bt_lsp_finding *finding = add_finding(c, diagnostic->range.start, diagnostic->range.end, diagnostic->message);
    if (!finding) return;
    memcpy(finding->code, diagnostic->code, sizeof finding->code);
    finding->is_error = false;
  }
}

static void add_text_problems(void *context, const bt_rulefile_rule *rule, const bt_diagnostics *diagnostics) {
  checking *c = context;
  bt_lsp_place place = bt_lsp_place_of_rule(c->file, rule);
  bt_str id = rule->fields.id ? bt_str_from(rule->fields.id) : BT_STR("");
  add_diagnostics(c, &place, bt_str_from(rule->fields.dsl), diagnostics, id, start_of_line(c, rule->line));
}

static void add_file_problems(checking *c, const char *first) {
  bt_buffer lines = {0};
  bt_rulefile_problems(c->file, FILE_NAME, &lines, add_text_problems, c);
  if (!lines.len) add_file_problem(c, first);
  for (char *line = lines.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    add_file_problem(c, line);
  }
  c->no_memory = c->no_memory || lines.failed;
  bt_buffer_dispose(&lines);
}

static bt_status check_file(checking *c, bt_error *error) {
  bt_checked_file file = {0};
  bt_error problem = {0};
  char *path = bt_lsp_document_path(c->document);
  bt_status status = bt_checked_file_read(c->file, FILE_NAME, path, true, &file, &problem);
  free(path);
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (status) add_file_problems(c, problem.message);
  for (size_t i = 0; i < file.rule_count && !status; i++) add_rule(c, &file, i);
  add_unused(c, &file.unused);
  bt_checked_file_dispose(&file);
  return c->no_memory ? bt_error_no_memory(error) : BT_OK;
}

/* ---- how far symbols go ---- */

static size_t column_of(const checking *c, size_t line) {
  bt_range range = bt_lsp_document_line(c->document, line);
  size_t start = range.start;
  while (range.start < range.end && c->file.ptr[range.start] == ' ') range.start++;
  return range.start == range.end ? SIZE_MAX : range.start - start; /* an empty line ends nothing */
}

/* To the last line before one that is indented no more than the first. */
static void measure_symbol(const checking *c, bt_lsp_symbol *symbol) {
  size_t first = bt_lsp_document_line_of(c->document, symbol->at), last = first, column = column_of(c, first);
  for (size_t line = first + 1; line < c->document->line_count; line++) {
    size_t own = column_of(c, line);
    if (own == SIZE_MAX) continue;
    if (own <= column) break;
    last = line;
  }
  symbol->end = bt_lsp_document_line(c->document, last).end;
}

static int compare_findings(const void *a, const void *b) {
  const bt_lsp_finding *left = a, *right = b;
  if (left->range.start != right->range.start) return left->range.start < right->range.start ? -1 : 1;
  return (left->number > right->number) - (left->number < right->number);
}

/* ---- the door ---- */

static bt_status find_all(checking *c, bt_error *error) {
  if (c->document->is_too_large) {
    add_finding(c, 0, 0, BT_STR("expected a text of at most 10 MiB, got a larger one: it is not checked"));
    return c->no_memory ? bt_error_no_memory(error) : BT_OK;
  }
  switch (bt_lsp_document_kind(c->document)) {
  case BT_LSP_RULE_TEXT: return check_text(c, error);
  case BT_LSP_RULE_FILE: return check_file(c, error);
  case BT_LSP_OTHER: break;
  }
  return BT_OK;
}

bt_status bt_lsp_findings_of(const bt_lsp_document *document, bt_lsp_findings *out, bt_error *error) {
  checking c = {.document = document, .file = bt_lsp_document_text(document), .out = out};
  *out = (bt_lsp_findings){0};
  bt_arena_init(&out->arena, MAX_KEPT_BYTES);
  bt_status status = find_all(&c, error);
  for (size_t i = 0; i < out->symbol_count && !status; i++) measure_symbol(&c, &out->symbols[i]);
  if (out->count) qsort(out->items, out->count, sizeof *out->items, compare_findings);
  return status;
}

void bt_lsp_findings_dispose(bt_lsp_findings *findings) {
  free(findings->items);
  free(findings->symbols);
  bt_arena_dispose(&findings->arena);
  *findings = (bt_lsp_findings){0};
}
