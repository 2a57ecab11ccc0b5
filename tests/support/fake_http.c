/* The scripted HTTP server. See fake_http.h. */
#include "tests/support/fake_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, REQUEST_BYTES = 1 << 20 };

typedef struct connection {
  fake_server *server;
  int socket;
  pthread_t thread;
} connection;

struct fake_server {
  fake_handler handler;
  void *context;
  int socket;
  char url[64];
  pthread_t thread;
  pthread_mutex_t mutex; /* connections, count, stopping */
  connection connections[CONNECTIONS_MAX];
  size_t count;
  bool stopping;
};

bool fake_send(int socket, const void *bytes, size_t count) {
  const char *from = bytes;
  while (count) {
    ssize_t sent = send(socket, from, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    from += sent;
    count -= (size_t)sent;
  }
  return true;
}

bool fake_respond(int socket, int status, const char *content_type, const char *headers, const void *body,
                  size_t count) {
  char head[1024];
  int length = snprintf(head, sizeof head, "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                        status, content_type, count, headers);
  (void)(fake_send(socket, head, (size_t)length) && fake_send(socket, body, count));
  return true;
}

bool fake_knows_no_lists(const fake_request *request, int socket, bool *keep) {
  static const char sentence[] =
      "invalid TraceQL query: parse error at line 1, col 8: syntax error: unexpected childCount";
  if (!strstr(request->target, "childCount")) return false;
  *keep = fake_respond(socket, 400, "text/plain; charset=utf-8", "", sentence, sizeof sentence - 1);
  return true;
}

bool fake_hang(int socket) {
  char ignored;
  while (recv(socket, &ignored, 1, 0) > 0) {
  }
  return false;
}

static int hex_value(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

static char *decode(const char *from, size_t count) {
  char *text = malloc(count + 1), *to = text;
  for (size_t i = 0; text && i < count; i++) {
    bool is_escape = from[i] == '%' && i + 2 < count && hex_value(from[i + 1]) >= 0 && hex_value(from[i + 2]) >= 0;
    *to++ = from[i];
    if (!is_escape) continue;
    to[-1] = (char)(hex_value(from[i + 1]) * 16 + hex_value(from[i + 2]));
    i += 2;
  }
  if (text) *to = '\0';
  return text;
}

char *fake_parameter(const char *target, const char *name) {
  const char *at = strchr(target, '?');
  size_t length = strlen(name);
  while (at) {
    at++;
    if (strncmp(at, name, length) == 0 && at[length] == '=') {
      const char *value = at + length + 1;
      return decode(value, strcspn(value, "&"));
    }
    at = strchr(at, '&');
  }
  return NULL;
}

/* Reads up to the blank line and the body behind it; false: the client is gone or sent nonsense. */
static bool read_request(int socket, char *buffer, fake_request *request) {
  size_t used = 0;
  char *end = NULL;
  while (!end) {
    ssize_t got = used < REQUEST_BYTES ? recv(socket, buffer + used, REQUEST_BYTES - used, 0) : 0;
    if (got <= 0) return false;
    used += (size_t)got;
    buffer[used] = '\0';
    end = strstr(buffer, "\r\n\r\n");
  }
  *end = '\0';
  const char *length = strcasestr(buffer, "\r\nContent-Length:");
  request->body = end + 4;
  request->body_length = length ? (size_t)strtoul(length + 17, NULL, 10) : 0;
  size_t wanted = (size_t)(end + 4 - buffer) + request->body_length;
  while (used < wanted && wanted <= REQUEST_BYTES) {
    ssize_t got = recv(socket, buffer + used, wanted - used, 0);
    if (got <= 0) return false;
    used += (size_t)got;
  }
  char *space = strchr(buffer, ' '), *line = strstr(buffer, "\r\n");
  char *second = space ? strchr(space + 1, ' ') : NULL;
  if (!space || !second || wanted > REQUEST_BYTES) return false;
  *space = *second = '\0';
  request->method = buffer;
  request->target = space + 1;
  request->head = line ? line + 2 : "";
  return true;
}

static void *serve_connection(void *context) {
  connection *c = context;
  char *buffer = malloc(REQUEST_BYTES + 1);
  fake_request request;
  while (buffer && read_request(c->socket, buffer, &request) &&
         c->server->handler(c->server->context, &request, c->socket)) {
  }
  free(buffer);
  shutdown(c->socket, SHUT_RDWR); /* closed by stop, so that the number is not used again meanwhile */
  return NULL;
}

static void add_connection(fake_server *server, int socket) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pthread_mutex_lock(&server->mutex);
  bool is_full = server->stopping || server->count == CONNECTIONS_MAX;
  connection *c = &server->connections[server->count];
  if (!is_full) {
    *c = (connection){.server = server, .socket = socket};
    is_full = pthread_create(&c->thread, NULL, serve_connection, c) != 0;
    if (!is_full) server->count++;
  }
  pthread_mutex_unlock(&server->mutex);
  if (is_full) close(socket);
}

static void *serve(void *context) {
  fake_server *server = context;
  for (int socket; (socket = accept(server->socket, NULL, NULL)) >= 0;) add_connection(server, socket);
  return NULL;
}

static bool listen_on_loopback(fake_server *server) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  server->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (server->socket < 0 || bind(server->socket, (struct sockaddr *)&address, sizeof address) ||
      listen(server->socket, 64) || getsockname(server->socket, (struct sockaddr *)&address, &length))
    return false;
  snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
  return true;
}

fake_server *fake_server_start(fake_handler handler, void *context) {
  fake_server *server = calloc(1, sizeof *server);
  if (!server) return NULL;
  server->handler = handler;
  server->context = context;
  pthread_mutex_init(&server->mutex, NULL);
  if (listen_on_loopback(server) && pthread_create(&server->thread, NULL, serve, server) == 0) return server;
  if (server->socket >= 0) close(server->socket);
  free(server);
  return NULL;
}

void fake_server_stop(fake_server *server) {
  if (!server) return;
  pthread_mutex_lock(&server->mutex);
  server->stopping = true;
  for (size_t i = 0; i < server->count; i++) shutdown(server->connections[i].socket, SHUT_RDWR);
  pthread_mutex_unlock(&server->mutex);
  shutdown(server->socket, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->socket);
  for (size_t i = 0; i < server->count; i++) {
    pthread_join(server->connections[i].thread, NULL);
    close(server->connections[i].socket);
  }
  pthread_mutex_destroy(&server->mutex);
  free(server);
}

const char *fake_server_url(const fake_server *server) {
  return server->url;
}
