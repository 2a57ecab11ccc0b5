/* Clients of plain sockets. See http_fixture.h. */
#include "tests/server/http_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

static int connect_to(const bt_http_server *server) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(bt_http_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = HTTP_PATIENCE_MS / 1000};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

int http_ask_with(const bt_http_server *server, const char *method, const char *path, const char *version) {
  char head[200];
  int fd = connect_to(server);
  int length = snprintf(head, sizeof head, "%s %s HTTP/%s\r\nHost: localhost\r\n\r\n", method, path, version);
  assert_int_equal(send(fd, head, (size_t)length, MSG_NOSIGNAL), length);
  return fd;
}

int http_ask(const bt_http_server *server, const char *path) {
  return http_ask_with(server, "GET", path, "1.1");
}

/* Reads until `needle` came or the peer closed; false then. */
bool http_read_until(int fd, const char *needle, bt_buffer *out) {
  char block[8192];
  for (;;) {
    if (needle && bt_str_contains(bt_buffer_str(out), bt_str_from(needle))) return true;
    ssize_t got = recv(fd, block, sizeof block, 0);
    assert_true(got >= 0 || !needle); /* a reset ends it too; running out of patience shows by what is missing */
    if (got <= 0) return false;
    bt_buffer_append(out, (bt_str){block, (size_t)got});
  }
}
