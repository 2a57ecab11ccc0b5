/* A record of every request of a run: what was asked, and how it was answered. It goes into bug reports, so it holds
 * no header, no credentials and no URL, and of what is said by others no IPv4 address. Thread: one. */
#ifndef BT_SERVER_DOCTOR_EXCHANGE_H
#define BT_SERVER_DOCTOR_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tempo/wire/http_client.h"

typedef struct bt_exchange {
  const char *what;       /* "search", "trace", "other", "push" */
  char *query;            /* decoded; or the path; new; NULL: not known */
  int64_t start_s, end_s; /* of a search; 0: none */
  int64_t limit;          /* of a search, in traces; 0: none */
  int64_t at_ns, took_ms;
  int status; /* HTTP; 0: no answer */
  size_t answer_bytes;
  char content_type[48];
  char sentence[200]; /* what was said of it, where that is not 200 */
} bt_exchange;

typedef struct bt_exchanges { /* all-zero is empty */
  bt_exchange *items;
  size_t count, capacity;
  bool no_memory;
  /* What a request asks, in the words of its store (store_probes.h); NULL: nothing is said of it. */
  void (*read_question)(const bt_http_request *request, bt_exchange *made);
} bt_exchanges;

/* For bt_http_options.on_exchange; context: the exchanges. */
void bt_exchanges_take(void *exchanges, const bt_http_exchange *exchange);
/* A parameter's value in the URL of a request, decoded; new; NULL: it is not there. */
char *bt_exchange_parameter(const char *url, const char *name);
void bt_exchanges_dispose(bt_exchanges *exchanges);
/* Of the last request that was made: its HTTP status; 0: none was answered. */
int bt_exchanges_last_status(const bt_exchanges *exchanges);

#endif
