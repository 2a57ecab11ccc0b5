/* A scripted HTTP server on loopback for tests of clients: a thread for each connection, a handler that writes what it
 * likes, right or wrong, to the socket. Thread: handlers run concurrently; they lock what they share. */
#ifndef BT_TESTS_FAKE_HTTP_H
#define BT_TESTS_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fake_request {
  const char *method, *target; /* NUL-terminated; the target with its query, as it came */
  const char *head;            /* all header lines, NUL-terminated */
  const char *body;
  size_t body_length;
} fake_request;

/* True: keep the connection for another request. */
typedef bool (*fake_handler)(void *context, const fake_request *request, int socket);

typedef struct fake_server fake_server;

/* new. NULL: could not be started. */
fake_server *fake_server_start(fake_handler handler, void *context);
/* Cuts all connections and ends all threads. */
void fake_server_stop(fake_server *server);
/* "http://127.0.0.1:PORT"; borrowed. */
const char *fake_server_url(const fake_server *server);

/* Writes all bytes; false: the client is gone. */
bool fake_send(int socket, const void *bytes, size_t count);
/* A complete answer with Content-Length. headers: lines that end in \r\n, or "". Always true, for `return`. */
bool fake_respond(int socket, int status, const char *content_type, const char *headers, const void *body,
                  size_t count);
/* Answers the question whether blocks hold lists in columns as Tempo 2.8 does, which does not know it; false: it was
 * another question. */
bool fake_knows_no_lists(const fake_request *request, int socket, bool *keep);
/* Waits until the client goes away. Always false, for `return`. */
bool fake_hang(int socket);
/* The value of a query parameter, percent-decoded; new, NULL: it is not there. */
char *fake_parameter(const char *target, const char *name);

#endif
