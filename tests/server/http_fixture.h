/* Clients of plain sockets, for tests of the HTTP server in its own process. What fails, fails the test. Thread: any.
 */
#ifndef BT_TESTS_SERVER_HTTP_FIXTURE_H
#define BT_TESTS_SERVER_HTTP_FIXTURE_H

#include "server/http/http_server.h"

enum { HTTP_PATIENCE_MS = 20000 };

/* Connects and sends a request without a body; the socket is the caller's. */
int http_ask_with(const bt_http_server *server, const char *method, const char *path, const char *version);
int http_ask(const bt_http_server *server, const char *path); /* GET, HTTP/1.1 */
/* Reads until `needle` came; false: the other side ended before. needle NULL: until it ends. */
bool http_read_until(int fd, const char *needle, bt_buffer *out);

#endif
