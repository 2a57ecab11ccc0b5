/* Token buckets by client. See client_rates.h. */
#include "server/http/client_rates.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/work/turns.h"

enum { SETS = 1024, SET_CLIENTS = 4 };

typedef struct client_bucket {
  uint64_t client;
  int64_t full_at_ns; /* when it holds all again; before `now`: it does, and might as well not be known */
} client_bucket;

struct bt_client_rates {
  pthread_mutex_t mutex; /* guards the buckets */
  int64_t step_ns;       /* between two requests at the rate */
  client_bucket buckets[SETS][SET_CLIENTS];
};

bt_client_rates *bt_client_rates_new(uint32_t per_second) {
  bt_client_rates *rates = calloc(1, sizeof *rates);
  if (!rates) return NULL;
  pthread_mutex_init(&rates->mutex, NULL);
  rates->step_ns = INT64_C(1000000000) / per_second;
  return rates;
}

void bt_client_rates_free(bt_client_rates *rates) {
  if (!rates) return;
  pthread_mutex_destroy(&rates->mutex);
  free(rates);
}

/* Its own, or the fullest of its set, begun anew. */
static client_bucket *bucket_of(bt_client_rates *rates, uint64_t client) {
  client_bucket *set = rates->buckets[(client * UINT64_C(0x9E3779B97F4A7C15)) >> 54], *fullest = &set[0];
  for (size_t i = 0; i < SET_CLIENTS; i++) {
    if (set[i].full_at_ns && set[i].client == client) return &set[i];
    if (set[i].full_at_ns < fullest->full_at_ns) fullest = &set[i];
  }
  *fullest = (client_bucket){.client = client};
  return fullest;
}

uint32_t bt_client_rates_take(bt_client_rates *rates, uint64_t client, int64_t now_ns) {
  static const int64_t burst_ns = (int64_t)BT_CLIENT_BURST_SECONDS * 1000000000;
  if (!rates) return 0;
  pthread_mutex_lock(&rates->mutex);
  client_bucket *bucket = bucket_of(rates, client);
  if (bucket->full_at_ns < now_ns) bucket->full_at_ns = now_ns;
  int64_t early_ns = bucket->full_at_ns + rates->step_ns - now_ns - burst_ns;
  if (early_ns <= 0) bucket->full_at_ns += rates->step_ns;
  pthread_mutex_unlock(&rates->mutex);
  return early_ns <= 0 ? 0 : (uint32_t)((early_ns + 999999999) / 1000000000);
}

uint64_t bt_client_of_address(const struct sockaddr *address, socklen_t length) {
  static const uint64_t ipv4_mark = UINT64_C(0xFFFF) << 48; /* of ff00::/8: groups, which no connection comes from */
  uint64_t client = 0;
  if (length >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET)
    return ipv4_mark | ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
  if (length < sizeof(struct sockaddr_in6) || address->sa_family != AF_INET6) return 0;
  const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(six)) {
    for (size_t i = 12; i < 16; i++) client = client << 8 | six->s6_addr[i];
    return ipv4_mark | client;
  }
  for (size_t i = 0; i < 8; i++) client = client << 8 | six->s6_addr[i];
  return client;
}

uint64_t bt_client_of_token(bt_str name) {
  return bt_turns_key(name.ptr, name.len);
}
