/* How many requests a client may make: a token bucket each, by the generic cell rate algorithm, which needs one number
 * a client (ITU-T I.371, the virtual scheduling form). A bucket holds BT_CLIENT_BURST_SECONDS of requests. At most
 * 4,096 clients are known: one whose bucket is fullest is forgotten first, and begins with a full one again. So a limit
 * can be weaker than it says, and never stronger. Thread: any. */
#ifndef BT_SERVER_HTTP_CLIENT_RATES_H
#define BT_SERVER_HTTP_CLIENT_RATES_H

#include <stdint.h>
#include <sys/socket.h>

#include "dsl/base/text.h"

enum { BT_CLIENT_BURST_SECONDS = 10 };

typedef struct bt_client_rates bt_client_rates;

/* new. `per_second` is at least 1. NULL: no memory. */
bt_client_rates *bt_client_rates_new(uint32_t per_second);
void bt_client_rates_free(bt_client_rates *rates); /* NULL is fine */

/* Counts a request of the client, at a monotonic time. 0: it may be made; else it was not counted, and in so many
 * seconds one may be. NULL: there is no limit. */
uint32_t bt_client_rates_take(bt_client_rates *rates, uint64_t client, int64_t now_ns);
/* Whose, as "token", and those seconds. */
#define BT_CLIENT_RATES_SAY "More requests came from this %s than its rate allows; try again in %u s."

/* The client that an address is: IPv4 whole, of IPv6 its first 64 bits, which are one subscriber's. 0: neither, which
 * is one client, too. */
uint64_t bt_client_of_address(const struct sockaddr *address, socklen_t length);
/* The client that a token is, by its name. */
uint64_t bt_client_of_token(bt_str name);

#endif
