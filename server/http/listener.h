/* Sockets that listen on one address, one for each event loop (SO_REUSEPORT). Thread: no state. */
#ifndef BT_SERVER_HTTP_LISTENER_H
#define BT_SERVER_HTTP_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"

/* "host:port" or "[v6]:port" into its parts; host_size in bytes. BT_INVALID: it is neither. */
bt_status bt_listen_split(const char *listen, char *host, size_t host_size, char port[6],
                          bt_error *error) BT_MUST_CHECK;
/* Opens `count` sockets on the address, all on one port (port 0: a free one, told in *port). After a failure those
 * below 0 in fds were not opened, and the others are still the caller's. BT_INVALID: not an address; BT_IO: it cannot
 * be bound, and why. */
bt_status bt_listen_open(const char *listen, int *fds, size_t count, uint16_t *port, bt_error *error) BT_MUST_CHECK;

#endif
