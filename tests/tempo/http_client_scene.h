/* A client of a server that does what a path says. `served` holds what the server saw and is told; its mutex guards it.
 * set_up and tear_down stand around each test; set_up_one gives a client that has one place. */
#ifndef BT_TESTS_TEMPO_HTTP_CLIENT_SCENE_H
#define BT_TESTS_TEMPO_HTTP_CLIENT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "tempo/wire/http_client.h"
#include "tests/support/fake_http.h"

int64_t now_ms(void);
void sleep_ms(long ms);

typedef struct script {
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* of order and is_let_go */
  bool is_let_go;
  int now, most; /* requests being answered */
  char order[64];
  char head[4096], body[256], method[16];
} script;

extern script served;

/* Until the server has been asked so often under /count and /held. */
void wait_until_asked(size_t requests);
/* What asks under /held is answered from here on. */
void let_go(void);

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
} fixture;

int set_up(void **state);
int set_up_one(void **state);
int tear_down(void **state);
char *url_of(const fixture *f, const char *path, char url[128]);

#endif
