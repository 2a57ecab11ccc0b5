/* See http_client_scene.h. */
#include "tests/tempo/http_client_scene.h"

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

script served;

static size_t gzip(const void *from, size_t count, unsigned char *to, size_t capacity) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)from;
  z.avail_in = (unsigned)count;
  z.next_out = to;
  z.avail_out = (unsigned)capacity;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  size_t length = capacity - z.avail_out;
  deflateEnd(&z);
  return length;
}

static bool answer_gzip(int socket, size_t zeros, size_t cut) {
  unsigned char *packed = malloc(1 << 20);
  char *plain = calloc(1, zeros);
  size_t length = gzip(plain, zeros, packed, 1 << 20);
  bool sent = fake_respond(socket, 200, "application/json", "Content-Encoding: gzip\r\n", packed, length - cut);
  free(packed);
  free(plain);
  return sent;
}

/* Two streams one after the other: a reader that stops after the first would lose half. */
static bool answer_gzip_twice(int socket) {
  unsigned char packed[256];
  size_t first = gzip("one", 3, packed, sizeof packed);
  size_t second = gzip("two", 3, packed + first, sizeof packed - first);
  return fake_respond(socket, 200, "application/json", "Content-Encoding: gzip\r\n", packed, first + second);
}

/* A frame with one block, which is not packed. */
static bool answer_zstd(int socket, size_t cut) {
  static const char frame[] = "\x28\xB5\x2F\xFD\x20\x05\x29\x00\x00hello";
  return fake_respond(socket, 200, "text/plain", "Content-Encoding: zstd\r\n", frame, sizeof frame - 1 - cut);
}

static bool answer_endless(int socket) {
  static const char chunk[] = "400\r\n";
  char block[0x400 + 2];
  memset(block, 'x', 0x400);
  memcpy(block + 0x400, "\r\n", 2);
  static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!fake_send(socket, head, sizeof head - 1)) return false;
  while (fake_send(socket, chunk, 5) && fake_send(socket, block, sizeof block)) {
  }
  return false;
}

static bool answer_raw(int socket, const char *text, bool keep) {
  return fake_send(socket, text, strlen(text)) && keep;
}

void wait_until_asked(size_t requests) {
  pthread_mutex_lock(&served.mutex);
  while (strlen(served.order) < requests) pthread_cond_wait(&served.changed, &served.mutex);
  pthread_mutex_unlock(&served.mutex);
}

void let_go(void) {
  pthread_mutex_lock(&served.mutex);
  served.is_let_go = true;
  pthread_cond_broadcast(&served.changed);
  pthread_mutex_unlock(&served.mutex);
}

static bool answer_counted(int socket, const char *target, bool is_held) {
  pthread_mutex_lock(&served.mutex);
  if (++served.now > served.most) served.most = served.now;
  size_t length = strlen(served.order);
  if (length + 1 < sizeof served.order) served.order[length] = target[strlen(target) - 1];
  pthread_cond_broadcast(&served.changed);
  while (is_held && !served.is_let_go) pthread_cond_wait(&served.changed, &served.mutex);
  pthread_mutex_unlock(&served.mutex);
  if (!is_held) sleep_ms(60);
  pthread_mutex_lock(&served.mutex);
  served.now--;
  pthread_mutex_unlock(&served.mutex);
  return fake_respond(socket, 200, "text/plain", "", "done", 4);
}

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  const char *path = request->target;
  if (strncmp(path, "/echo", 5) == 0) {
    pthread_mutex_lock(&served.mutex);
    snprintf(served.method, sizeof served.method, "%s", request->method);
    snprintf(served.head, sizeof served.head, "%s", request->head);
    snprintf(served.body, sizeof served.body, "%.*s", (int)request->body_length, request->body);
    pthread_mutex_unlock(&served.mutex);
    return fake_respond(socket, 200, "text/plain; charset=utf-8", "", "hello", 5);
  }
  if (strncmp(path, "/count", 6) == 0) return answer_counted(socket, path, false);
  if (strncmp(path, "/held", 5) == 0) return answer_counted(socket, path, true);
  if (strcmp(path, "/hang") == 0) return fake_hang(socket);
  if (strcmp(path, "/gzip") == 0) return answer_gzip(socket, 1000, 0);
  if (strcmp(path, "/bomb") == 0) return answer_gzip(socket, 32 << 20, 0);
  if (strcmp(path, "/gzip-cut") == 0) return answer_gzip(socket, 1 << 20, 12);
  if (strcmp(path, "/gzip-no-trailer") == 0) return answer_gzip(socket, 1000, 8);
  if (strcmp(path, "/gzip-twice") == 0) return answer_gzip_twice(socket);
  if (strcmp(path, "/gzip-not") == 0)
    return fake_respond(socket, 200, "text/plain", "Content-Encoding: gzip\r\n", "no gzip at all", 14);
  if (strcmp(path, "/zstd") == 0) return answer_zstd(socket, 0);
  if (strcmp(path, "/zstd-cut") == 0) return answer_zstd(socket, 2);
  if (strcmp(path, "/zstd-not") == 0)
    return fake_respond(socket, 200, "text/plain", "Content-Encoding: zstd\r\n", "no zstd at all", 14);
  if (strcmp(path, "/brotli") == 0)
    return fake_respond(socket, 200, "text/plain", "Content-Encoding: br\r\n", "xxxx", 4);
  if (strcmp(path, "/endless") == 0) return answer_endless(socket);
  if (strcmp(path, "/cut") == 0) return answer_raw(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false);
  if (strcmp(path, "/cut-chunk") == 0)
    return answer_raw(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false);
  if (strcmp(path, "/cut-head") == 0) return answer_raw(socket, "HTTP/1.1 200 O", false);
  if (strcmp(path, "/no-length") == 0)
    return answer_raw(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmaybe all", false);
  if (strcmp(path, "/not-http") == 0) return answer_raw(socket, "SSH-2.0-OpenSSH\r\n", false);
  if (strcmp(path, "/redirect") == 0) return fake_respond(socket, 302, "text/plain", "Location: /echo\r\n", "", 0);
  if (strcmp(path, "/large") == 0) return fake_respond(socket, 500, "text/plain", "", "larger than the max", 19);
  if (strcmp(path, "/busy") == 0) return fake_respond(socket, 429, "text/plain", "Retry-After: 7\r\n", "busy", 4);
  return fake_respond(socket, 404, "text/plain", "", "", 0);
}

static int set_up_with(void **state, uint32_t concurrency) {
  static fixture f;
  pthread_mutex_init(&served.mutex, NULL);
  pthread_cond_init(&served.changed, NULL);
  served.now = served.most = 0;
  served.is_let_go = false;
  memset(served.order, 0, sizeof served.order);
  f.server = fake_server_start(answer, NULL);
  bt_http_options options = {.concurrency = concurrency};
  bt_error error;
  *state = &f;
  return f.server && bt_http_client_new(&options, &f.client, &error) == BT_OK ? 0 : -1;
}

int set_up(void **state) {
  return set_up_with(state, 2);
}

int set_up_one(void **state) {
  return set_up_with(state, 1);
}

int tear_down(void **state) {
  fixture *f = *state;
  let_go();
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  pthread_cond_destroy(&served.changed);
  pthread_mutex_destroy(&served.mutex);
  return 0;
}

char *url_of(const fixture *f, const char *path, char url[128]) {
  snprintf(url, 128, "%s%s", fake_server_url(f->server), path);
  return url;
}
