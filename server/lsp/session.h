/* The language server: messages of JSON-RPC 2.0 in, answers and notifications out, as LSP 3.17 has them. Holds the
 * documents that an editor has open and what was found in them. No I/O: who reads and writes gives it messages and
 * sends what it appends. A message that is wrong is answered with an error and changes nothing. Thread: belongs to one
 * thread. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_LSP_SESSION_H
#define BT_SERVER_LSP_SESSION_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_LSP_MAX_DOCUMENTS = 1000 };

typedef struct bt_lsp_session bt_lsp_session;

/* `version` of the program, borrowed. NULL: no memory. */
bt_lsp_session *bt_lsp_session_new(const char *version);
void bt_lsp_session_free(bt_lsp_session *session);

/* One message; what is to be sent is appended with its headers. Fails for want of memory only: then the session may
 * have lost a change and is good for nothing more. */
bt_status bt_lsp_session_receive(bt_lsp_session *session, bt_str message, bt_buffer *out,
                                 bt_error *error) BT_MUST_CHECK;
/* Checks the documents that changed and says what was found. To be called when no message waits: who types fast is
 * not checked at every letter. */
bt_status bt_lsp_session_settle(bt_lsp_session *session, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
/* Answers what could not be read as a message at all. */
bt_status bt_lsp_complain(const bt_error *why, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

bool bt_lsp_session_has_ended(const bt_lsp_session *session); /* `exit` came */
/* Whether `shutdown` came: the protocol's status of an end is 0 then, else 1. */
bool bt_lsp_session_was_shut_down(const bt_lsp_session *session);

#endif
