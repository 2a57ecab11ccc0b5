/* The language server's protocol. See session.h. Each method is a row of a table; what it says about a document is in
 * answers.h. */
#include "server/lsp/session.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/json/json_members.h"
#include "server/json/json_memory.h"
#include "server/lsp/answers.h"
#include "server/lsp/frames.h"

enum { /* error codes of JSON-RPC and LSP */
       PARSE_ERROR = -32700,
       INVALID_REQUEST = -32600,
       METHOD_NOT_FOUND = -32601,
       INVALID_PARAMS = -32602,
       NOT_INITIALIZED = -32002,
       REQUEST_FAILED = -32803
};

enum { MESSAGE_WARNING = 2, SYNC_INCREMENTAL = 2 };

typedef struct open_document {
  bt_lsp_document document;
  bt_lsp_findings findings;
  bool is_stale; /* the findings are of an older text, or there are none yet */
} open_document;

struct bt_lsp_session {
  const char *version;
  bt_lsp_client client;
  open_document **documents;
  size_t count, capacity;
  bool is_initialized, is_shut_down, has_ended;
};

/* One message on its way. */
typedef struct call {
  bt_lsp_session *session;
  json_t *params; /* borrowed; NULL: none came */
  bt_buffer *out;
  json_t *result; /* of a request; NULL is null */
  int code;       /* of the error that it is answered with; 0: none */
  bt_error error;
} call;

/* ---- what is sent ---- */

static void send_message(bt_buffer *out, json_t *message) {
  char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
  if (text)
    bt_lsp_frame_append(bt_str_from(text), out);
  else
    bt_json_memory_lacks();
  free(text);
  json_decref(message);
}

static void send_notification(bt_buffer *out, const char *method, json_t *params) {
  send_message(out, json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params));
}

static void send_error(bt_buffer *out, json_t *id, int code, const char *message) {
  send_message(out, json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id ? json_incref(id) : json_null(),
                              "error", "code", code, "message", message));
}

static bt_status end_of(const bt_buffer *out, bt_error *error) {
  return out->failed || bt_json_memory_failed() ? bt_error_no_memory(error) : BT_OK;
}

/* For a notification, which has no answer, the editor's log. */
static void log_warning(call *c, const char *message) {
  send_notification(c->out, "window/logMessage", json_pack("{s:i, s:s}", "type", MESSAGE_WARNING, "message", message));
}

static bool refuse_call(call *c, int code, const char *message) {
  c->code = code;
  bt_error_set(&c->error, BT_INVALID, "%s", message);
  return false;
}

/* What a part said: want of memory ends the session, anything else is the answer. */
static void take_status(call *c, bt_status status) {
  if (status == BT_NO_MEMORY)
    bt_json_memory_lacks();
  else if (status)
    c->code = REQUEST_FAILED;
}

/* ---- params ---- */

static bool read_position(const json_t *value, bt_lsp_position *out) {
  const json_t *line = json_object_get(value, "line"), *character = json_object_get(value, "character");
  if (!json_is_integer(line) || !json_is_integer(character)) return false;
  json_int_t l = json_integer_value(line), ch = json_integer_value(character);
  *out = (bt_lsp_position){(size_t)l, (size_t)ch};
  return l >= 0 && ch >= 0 && l <= UINT32_MAX && ch <= UINT32_MAX;
}

static bool read_range(const bt_lsp_session *session, const bt_lsp_document *document, const json_t *value,
                       bt_range *out) {
  bt_lsp_position start, end;
  if (!read_position(json_object_get(value, "start"), &start) || !read_position(json_object_get(value, "end"), &end))
    return false;
  out->start = (uint32_t)bt_lsp_document_offset(document, session->client.units, start);
  out->end = (uint32_t)bt_lsp_document_offset(document, session->client.units, end);
  if (out->end < out->start) out->end = out->start;
  return true;
}

static size_t find_index(const bt_lsp_session *session, bt_str uri) {
  size_t i = 0;
  while (i < session->count && !bt_str_equal(bt_str_from(session->documents[i]->document.uri), uri)) i++;
  return i;
}

/* params.textDocument.uri; NULL: refused. */
static open_document *read_document(call *c) {
  bt_str uri = bt_json_str_at(json_object_get(c->params, "textDocument"), "uri");
  if (!uri.ptr) return refuse_call(c, INVALID_PARAMS, "params.textDocument.uri: expected a string"), NULL;
  size_t i = find_index(c->session, uri);
  if (i < c->session->count) return c->session->documents[i];
  refuse_call(c, INVALID_PARAMS, "params.textDocument.uri: expected a document that is open (textDocument/didOpen)");
  return NULL;
}

static bool read_place(call *c, const bt_lsp_document *document, size_t *offset) {
  bt_lsp_position position;
  if (!read_position(json_object_get(c->params, "position"), &position))
    return refuse_call(c, INVALID_PARAMS, "params.position: expected line and character, both whole numbers from 0");
  *offset = bt_lsp_document_offset(document, c->session->client.units, position);
  return true;
}

/* ---- lifecycle ---- */

static bool has_word(const json_t *list, const char *word) {
  size_t index;
  json_t *item;
  json_array_foreach(list, index, item) {
    const char *text = json_string_value(item);
    if (text && strcmp(text, word) == 0) return true;
  }
  return false;
}

/* A value by its path, "a.b.c"; NULL: it is not there. */
static const json_t *find_path(const json_t *value, const char *path) {
  char name[64];
  while (*path && value) {
    size_t length = strcspn(path, ".");
    if (length >= sizeof name) return NULL;
    memcpy(name, path, length);
    name[length] = '\0';
    value = json_object_get(value, name);
    path += length + (path[length] == '.');
  }
  return value;
}

static void read_client(bt_lsp_client *client, const json_t *can) {
  bool has_utf8 = has_word(find_path(can, "general.positionEncodings"), "utf-8");
  *client = (bt_lsp_client){
      .units = has_utf8 ? BT_LSP_UTF8 : BT_LSP_UTF16,
      .reads_markdown = has_word(find_path(can, "textDocument.hover.contentFormat"), "markdown"),
      .has_symbol_tree = json_is_true(find_path(can, "textDocument.documentSymbol.hierarchicalDocumentSymbolSupport")),
      .has_action_literals = find_path(can, "textDocument.codeAction.codeActionLiteralSupport") != NULL,
      .has_versioned_edits = json_is_true(find_path(can, "workspace.workspaceEdit.documentChanges")),
      .has_related_places = json_is_true(find_path(can, "textDocument.publishDiagnostics.relatedInformation"))};
}

static void initialize_session(call *c) {
  bt_lsp_client *client = &c->session->client;
  if (c->session->is_initialized) {
    refuse_call(c, INVALID_REQUEST, "expected initialize once, got it again");
    return;
  }
  read_client(client, json_object_get(c->params, "capabilities"));
  json_t *actions =
      client->has_action_literals ? json_pack("{s:[s]}", "codeActionKinds", "quickfix") : json_boolean(false);
  c->result = json_pack("{s:{s:s, s:{s:b, s:i}, s:{s:[s,s,s,s]}, s:b, s:b, s:b, s:o}, s:{s:s, s:s}}", "capabilities",
                        "positionEncoding", client->units == BT_LSP_UTF8 ? "utf-8" : "utf-16", "textDocumentSync",
                        "openClose", 1, "change", SYNC_INCREMENTAL, "completionProvider", "triggerCharacters", ".", "@",
                        "\"", "[", "hoverProvider", 1, "documentFormattingProvider", 1, "documentSymbolProvider", 1,
                        "codeActionProvider", actions, "serverInfo", "name", "betrace", "version", c->session->version);
  c->session->is_initialized = true;
}

static void shut_down(call *c) {
  c->session->is_shut_down = true;
}

static void end_session(call *c) {
  c->session->has_ended = true;
}

static void ignore_call(call *c) {
  (void)c;
}

/* ---- documents ---- */

static void close_document(open_document *item) {
  if (!item) return;
  bt_lsp_document_dispose(&item->document);
  bt_lsp_findings_dispose(&item->findings);
  free(item);
}

static open_document *add_document(bt_lsp_session *session) {
  open_document **grown = bt_grow_array(session->documents, session->count, &session->capacity, sizeof *grown);
  if (!grown) return NULL;
  session->documents = grown;
  open_document *item = calloc(1, sizeof *item);
  if (item) session->documents[session->count++] = item;
  return item;
}

static void did_open(call *c) {
  const json_t *opened = json_object_get(c->params, "textDocument");
  bt_str uri = bt_json_str_at(opened, "uri"), language = bt_json_str_at(opened, "languageId"),
         text = bt_json_str_at(opened, "text");
  if (!uri.ptr || !text.ptr) {
    refuse_call(c, INVALID_PARAMS, "params.textDocument: expected uri and text, both strings");
    return;
  }
  size_t i = find_index(c->session, uri);
  if (i == BT_LSP_MAX_DOCUMENTS) {
    refuse_call(c, INVALID_PARAMS, "expected at most 1000 open documents, got one more: it is not checked");
    return;
  }
  open_document *item = i < c->session->count ? c->session->documents[i] : add_document(c->session);
  if (!item) {
    bt_json_memory_lacks();
    return;
  }
  bt_lsp_document_dispose(&item->document);
  item->is_stale = true;
  take_status(c, bt_lsp_document_open(&item->document, uri, language.ptr ? language : BT_STR(""), text, &c->error));
  item->document.version = json_integer_value(json_object_get(opened, "version"));
}

static bool apply_change(call *c, bt_lsp_document *document, const json_t *change) {
  const json_t *place = json_object_get(change, "range");
  bt_str text = bt_json_str_at(change, "text");
  bt_range range;
  if (!text.ptr) return refuse_call(c, INVALID_PARAMS, "params.contentChanges: expected a text in each of them");
  if (!place || json_is_null(place)) {
    take_status(c, bt_lsp_document_set(document, text, &c->error));
    return true;
  }
  if (!read_range(c->session, document, place, &range))
    return refuse_call(c, INVALID_PARAMS, "params.contentChanges: expected a range with start and end, or none");
  take_status(c, bt_lsp_document_replace(document, range.start, range.end, text, &c->error));
  return true;
}

static void did_change(call *c) {
  open_document *item = read_document(c);
  json_t *change, *changes = json_object_get(c->params, "contentChanges");
  size_t index;
  if (!item) return;
  json_array_foreach(changes, index, change) {
    if (!apply_change(c, &item->document, change) || bt_json_memory_failed()) break;
  }
  item->document.version = json_integer_value(json_object_get(json_object_get(c->params, "textDocument"), "version"));
  item->is_stale = true;
}

static void did_close(call *c) {
  open_document *item = read_document(c);
  if (!item) return;
  send_notification(c->out, "textDocument/publishDiagnostics",
                    bt_lsp_diagnostics_json(&c->session->client, &item->document, NULL));
  size_t i = find_index(c->session, bt_str_from(item->document.uri));
  c->session->documents[i] = c->session->documents[--c->session->count];
  close_document(item);
}

static void settle_document(bt_lsp_session *session, open_document *item, bt_buffer *out) {
  bt_error error = {0};
  if (!item->is_stale) return;
  bt_lsp_findings_dispose(&item->findings);
  if (bt_lsp_findings_of(&item->document, &item->findings, &error)) bt_json_memory_lacks();
  bt_lsp_document_learn_names(&item->document);
  item->is_stale = false;
  send_notification(out, "textDocument/publishDiagnostics",
                    bt_lsp_diagnostics_json(&session->client, &item->document, &item->findings));
}

/* ---- questions ---- */

typedef bt_status (*ask_at)(const bt_lsp_client *client, const bt_lsp_document *document, size_t offset, json_t **out,
                            bt_error *error);

static void answer_at(call *c, ask_at ask) {
  size_t offset;
  open_document *item = read_document(c);
  if (!item || !read_place(c, &item->document, &offset)) return;
  if (item->is_stale) bt_lsp_document_learn_names(&item->document);
  take_status(c, ask(&c->session->client, &item->document, offset, &c->result, &c->error));
}

static void answer_completion(call *c) {
  answer_at(c, bt_lsp_complete);
}

static void answer_hover(call *c) {
  answer_at(c, bt_lsp_hover);
}

static void answer_formatting(call *c) {
  open_document *item = read_document(c);
  if (item) take_status(c, bt_lsp_format(&c->session->client, &item->document, &c->result, &c->error));
}

static void document_symbol(call *c) {
  open_document *item = read_document(c);
  if (!item) return;
  settle_document(c->session, item, c->out);
  c->result = bt_lsp_symbols_json(&c->session->client, &item->document, &item->findings);
}

/* A client may ask for some kinds only; "" is all of them. */
static bool wants_fixes(const json_t *params) {
  const json_t *only = find_path(params, "context.only");
  return !json_is_array(only) || has_word(only, "quickfix") || has_word(only, "");
}

static void code_action(call *c) {
  bt_range range;
  open_document *item = read_document(c);
  if (!item) return;
  if (!read_range(c->session, &item->document, json_object_get(c->params, "range"), &range)) {
    refuse_call(c, INVALID_PARAMS, "params.range: expected start and end, each with line and character");
    return;
  }
  settle_document(c->session, item, c->out);
  c->result = wants_fixes(c->params) ? bt_lsp_actions_json(&c->session->client, &item->document, &item->findings, range)
                                     : json_array();
}

/* ---- dispatch ---- */

typedef struct method {
  const char *name;
  void (*run)(call *c);
  bool is_request;
} method;

static const method methods[] = {{"initialize", initialize_session, true},
                                 {"initialized", ignore_call, false},
                                 {"shutdown", shut_down, true},
                                 {"exit", end_session, false},
                                 {"textDocument/didOpen", did_open, false},
                                 {"textDocument/didChange", did_change, false},
                                 {"textDocument/didSave", ignore_call, false},
                                 {"textDocument/didClose", did_close, false},
                                 {"textDocument/completion", answer_completion, true},
                                 {"textDocument/hover", answer_hover, true},
                                 {"textDocument/formatting", answer_formatting, true},
                                 {"textDocument/codeAction", code_action, true},
                                 {"textDocument/documentSymbol", document_symbol, true},
                                 {0}};

static const method *find_method(const char *name, bool is_request) {
  for (const method *row = methods; row->name; row++)
    if (strcmp(row->name, name) == 0 && row->is_request == is_request) return row;
  return NULL;
}

/* False: it is not the time for this request. */
static bool is_time(call *c, const method *row) {
  if (row && row->run == initialize_session && !c->session->is_shut_down) return true;
  if (!c->session->is_initialized) return refuse_call(c, NOT_INITIALIZED, "expected initialize as the first request");
  if (c->session->is_shut_down) return refuse_call(c, INVALID_REQUEST, "expected exit after shutdown, got a request");
  return true;
}

static void run_request(call *c, const char *name, json_t *id) {
  const method *row = find_method(name, true);
  if (is_time(c, row) && !row) refuse_call(c, METHOD_NOT_FOUND, "this server has no such method");
  if (!c->code) row->run(c);
  if (c->code)
    send_error(c->out, id, c->code, c->error.message);
  else
    send_message(c->out, json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result",
                                   c->result ? json_incref(c->result) : json_null()));
  json_decref(c->result);
}

/* Those that it does not know are passed over, as the protocol wants it: $/cancelRequest among them, which comes too
 * late for a server that answers one after the other. */
static void run_notification(call *c, const char *name) {
  const method *row = find_method(name, false);
  bool is_end = row && row->run == end_session;
  if (!row || (!is_end && (!c->session->is_initialized || c->session->is_shut_down))) return;
  row->run(c);
  if (c->code) log_warning(c, c->error.message);
}

static bool is_id(const json_t *id) {
  return json_is_string(id) || json_is_integer(id) || json_is_null(id);
}

/* What makes a JSON value no message; NULL: it is one. */
static const char *problem_of(const json_t *message) {
  const json_t *id = json_object_get(message, "id"), *params = json_object_get(message, "params");
  const char *version = json_string_value(json_object_get(message, "jsonrpc"));
  if (json_is_array(message)) return "expected one message, got a list: LSP has no batches";
  if (!json_is_object(message)) return "expected a JSON object";
  if (!version || strcmp(version, "2.0") != 0) return "jsonrpc: expected \"2.0\"";
  if (id && !is_id(id)) return "id: expected a number or a string";
  if (!json_object_get(message, "method")) return NULL; /* an answer */
  if (!json_is_string(json_object_get(message, "method"))) return "method: expected a string";
  if (params && !json_is_object(params) && !json_is_array(params) && !json_is_null(params))
    return "params: expected an object";
  return NULL;
}

static void run_message(bt_lsp_session *session, json_t *message, bt_buffer *out) {
  json_t *id = json_object_get(message, "id");
  const char *problem = problem_of(message), *name = json_string_value(json_object_get(message, "method"));
  call c = {.session = session, .params = json_object_get(message, "params"), .out = out};
  if (problem)
    send_error(out, is_id(id) ? id : NULL, INVALID_REQUEST, problem);
  else if (name && id)
    run_request(&c, name, id);
  else if (name)
    run_notification(&c, name);
}

bt_status bt_lsp_session_receive(bt_lsp_session *session, bt_str message, bt_buffer *out, bt_error *error) {
  json_error_t why;
  bt_json_memory_begin();
  json_t *parsed = json_loadb(message.ptr, message.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
  if (parsed)
    run_message(session, parsed, out);
  else if (!bt_json_memory_failed())
    send_error(out, NULL, PARSE_ERROR, why.text);
  json_decref(parsed);
  return end_of(out, error);
}

bt_status bt_lsp_session_settle(bt_lsp_session *session, bt_buffer *out, bt_error *error) {
  bt_json_memory_begin();
  for (size_t i = 0; i < session->count && !bt_json_memory_failed(); i++)
    settle_document(session, session->documents[i], out);
  return end_of(out, error);
}

bt_status bt_lsp_complain(const bt_error *why, bt_buffer *out, bt_error *error) {
  bt_json_memory_begin();
  send_error(out, NULL, INVALID_REQUEST, why->message);
  return end_of(out, error);
}

/* ---- its life ---- */

bt_lsp_session *bt_lsp_session_new(const char *version) {
  bt_lsp_session *session = calloc(1, sizeof *session);
  if (session) session->version = version;
  return session;
}

void bt_lsp_session_free(bt_lsp_session *session) {
  for (size_t i = 0; session && i < session->count; i++) close_document(session->documents[i]);
  if (session) free(session->documents);
  free(session);
}

bool bt_lsp_session_has_ended(const bt_lsp_session *session) {
  return session->has_ended;
}

bool bt_lsp_session_was_shut_down(const bt_lsp_session *session) {
  return session->is_shut_down;
}
