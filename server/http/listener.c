/* Sockets that listen. See listener.h. */
#include "server/http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bt_status bt_listen_split(const char *listen, char *host, size_t host_size, char port[6], bt_error *error) {
  const char *colon = strrchr(listen, ':');
  size_t host_length = colon ? (size_t)(colon - listen) : 0, port_length = colon ? strlen(colon + 1) : 0;
  bool valid = host_length > 0 && host_length < host_size && port_length > 0 && port_length < 6 &&
               strspn(colon + 1, "0123456789") == port_length;
  if (!valid)
    return bt_error_set(error, BT_INVALID, "the listen address has to be host:port, as in 127.0.0.1:8080; \"%s\" came",
                        listen);
  bool bracketed = listen[0] == '[' && listen[host_length - 1] == ']';
  snprintf(host, host_size, "%.*s", (int)(bracketed ? host_length - 2 : host_length), bracketed ? listen + 1 : listen);
  snprintf(port, 6, "%s", colon + 1);
  return BT_OK;
}

static int bind_to(const struct addrinfo *address, uint16_t port) {
  struct sockaddr_storage target = {0};
  memcpy(&target, address->ai_addr, address->ai_addrlen);
  if (port && target.ss_family == AF_INET) ((struct sockaddr_in *)&target)->sin_port = htons(port);
  if (port && target.ss_family == AF_INET6) ((struct sockaddr_in6 *)&target)->sin6_port = htons(port);
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0 &&
      bind(fd, (struct sockaddr *)&target, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

static uint16_t port_of(int fd) {
  struct sockaddr_storage bound = {0};
  socklen_t length = sizeof bound;
  if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 /* NOLINT(clang-analyzer-core.CallAndMessage): getsockname wrote it */
                   ? ((struct sockaddr_in6 *)&bound)->sin6_port
                   : ((struct sockaddr_in *)&bound)->sin_port);
}

/* SO_REUSEPORT lets our loops share the port, and would also let a second service take half of our connections in
 * silence: so ask first. */
static bool is_taken(const struct addrinfo *address) {
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) return false;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  bool taken = bind(fd, address->ai_addr, address->ai_addrlen) != 0 && errno == EADDRINUSE;
  close(fd);
  return taken;
}

bt_status bt_listen_open(const char *listen, int *fds, size_t count, uint16_t *port, bt_error *error) {
  char host[128], service[6];
  bt_status status = bt_listen_split(listen, host, sizeof host, service, error);
  if (status) return status;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *address = NULL;
  if (getaddrinfo(host, service, &hints, &address) != 0)
    return bt_error_set(error, BT_INVALID, "the listen address \"%s\" is not one that this machine knows", listen);
  *port = 0;
  if (is_taken(address)) errno = EADDRINUSE, status = BT_IO;
  for (size_t i = 0; i < count && !status; i++) {
    fds[i] = bind_to(address, *port);
    if (fds[i] < 0)
      status = BT_IO;
    else
      *port = port_of(fds[i]);
  }
  if (status)
    bt_error_set(error, BT_IO, "cannot listen on %s: %s; choose another address with --listen", listen,
                 strerror(errno));
  freeaddrinfo(address);
  return status;
}
