/* Fetching and keeping the key set. See jwt_ring.h. */
#include "server/http/jwt_ring.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/base/log.h"
#include "server/http/guard.h"
#include "tempo/wire/http_client.h"

enum { DEADLINE_MS = 10000 };
static const int64_t RETRY_NS = INT64_C(30) * 1000000000;  /* after a failure */
static const int64_t WANTED_NS = INT64_C(10) * 1000000000; /* between two fetches for keys that are not there */

struct bt_jwt_ring {
  bt_jwt_ring_options options;
  bt_http_client *client; /* NULL: the source is a file */
  bt_cancel cancel;
  pthread_t thread;
  bool is_started;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bt_jwt_keys *keys;    /* NULL: none came yet */
  int64_t came_ns;      /* when, by the clock that nobody sets and that goes on while the machine sleeps */
  int64_t due_ns;       /* the next fetch, by the monotonic clock */
  int64_t wanted_at_ns; /* the last one for a key that was not there */
  bool has_been_wanted, is_renewed, is_fetching, is_ending;
};

/* ---- where from ---- */

static bool is_url(const char *source) {
  return strstr(source, "://") != NULL;
}

static bt_status check_source(const char *source, bt_error *error) {
  if (!is_url(source) || strncmp(source, "https://", 8) == 0) return BT_OK;
  if (strncmp(source, "http://", 7) == 0) {
    bt_str authority = {source + 7, strcspn(source + 7, "/?#")};
    bool has_user = memchr(authority.ptr, '@', authority.len) != NULL;
    if (!has_user && bt_guard_is_loopback(bt_guard_host_name(authority))) return BT_OK;
  }
  return bt_error_set(error, BT_INVALID,
                      "--jwt-jwks has to be an https:// URL, http:// of this machine alone, or a file: over plain http "
                      "anybody on the way could give us keys of their own");
}

static bt_status read_file(const char *file, bt_buffer *out, bt_error *error) {
  char part[4096];
  errno = 0;
  FILE *stream = fopen(file, "re");
  out->maximum = BT_JWKS_MAX_BYTES + 1;
  for (size_t count = 1; stream && count > 0 && !out->failed;) {
    count = fread(part, 1, sizeof part, stream);
    bt_buffer_append(out, (bt_str){part, count});
  }
  bt_status status = BT_OK;
  if (!stream || ferror(stream))
    status = bt_error_set(error, BT_IO, "it cannot be read: %s", strerror(errno));
  else if (out->failed)
    status = bt_error_set(error, BT_LIMIT, "it is larger than 256 KiB");
  if (stream) fclose(stream);
  return status;
}

static bt_status fetch_url(bt_jwt_ring *ring, bt_buffer *out, bt_error *error) {
  static const char *const headers[] = {"Accept: application/json, application/jwk-set+json"};
  bt_http_request request = {.method = "GET",
                             .url = ring->options.source,
                             .headers = headers,
                             .header_count = 1,
                             .ca_file = ring->options.ca_file,
                             .max_body_bytes = BT_JWKS_MAX_BYTES,
                             .timeout_ms = DEADLINE_MS,
                             .total_ms = DEADLINE_MS,
                             .cancel = &ring->cancel};
  bt_http_response response = {0};
  bt_status status = bt_http_send(ring->client, &request, &response, error);
  if (!status && response.status != 200)
    status =
        bt_error_set(error, BT_UNAVAILABLE, "the identity provider answers HTTP %d, expected 200", response.status);
  if (!status) {
    *out = response.body;
    response.body = (bt_buffer){0};
  }
  bt_http_response_dispose(&response);
  return status;
}

static bt_status read_keys(bt_jwt_ring *ring, bt_jwt_keys **out, bt_error *error) {
  bt_buffer text = {0};
  *out = NULL;
  bt_status status = ring->client ? fetch_url(ring, &text, error) : read_file(ring->options.source, &text, error);
  if (!status) status = bt_jwt_keys_parse(bt_buffer_str(&text), out, error);
  bt_buffer_dispose(&text);
  return status;
}

/* ---- the thread ---- */

static int64_t smaller_of(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* fresh NULL: it failed, and what is in force stays. The mutex is ours. */
static void take_keys(bt_jwt_ring *ring, bt_jwt_keys *fresh) {
  int64_t after_ns = fresh ? ring->options.refresh_ns : smaller_of(RETRY_NS, ring->options.refresh_ns);
  ring->due_ns = bt_clock_monotonic_ns() + after_ns;
  if (!fresh) return;
  bt_jwt_keys_free(ring->keys);
  ring->keys = fresh;
  ring->came_ns = bt_clock_steady_ns();
}

static void log_outcome(bt_status status, const bt_error *error, const bt_jwt_keys *fresh, size_t count_before) {
  if (status)
    bt_log(BT_LOG_WARNING, "the keys for JWTs (--jwt-jwks) were not read: %s; those in force stay until --jwt-keep",
           error->message);
  else if (bt_jwt_keys_count(fresh) != count_before)
    bt_log(BT_LOG_INFO, "keys for JWTs (--jwt-jwks): %zu", bt_jwt_keys_count(fresh));
}

/* The mutex is ours, but while it fetches. */
static void fetch_keys(bt_jwt_ring *ring) {
  bt_error error = {0};
  bt_jwt_keys *fresh = NULL;
  size_t count_before = ring->keys ? bt_jwt_keys_count(ring->keys) : 0;
  ring->is_renewed = false;
  ring->is_fetching = true;
  pthread_mutex_unlock(&ring->mutex);
  bt_status status = read_keys(ring, &fresh, &error);
  if (status != BT_CANCELLED) log_outcome(status, &error, fresh, count_before);
  pthread_mutex_lock(&ring->mutex);
  take_keys(ring, fresh);
  ring->is_fetching = false;
}

static void *run_ring(void *argument) {
  bt_jwt_ring *ring = argument;
  pthread_mutex_lock(&ring->mutex);
  while (!ring->is_ending) {
    if (ring->is_renewed || bt_clock_monotonic_ns() >= ring->due_ns)
      fetch_keys(ring);
    else
      (void)bt_condition_wait(&ring->changed, &ring->mutex, ring->due_ns);
  }
  pthread_mutex_unlock(&ring->mutex);
  return NULL;
}

static bt_status first_look(bt_jwt_ring *ring, bt_error *error) {
  bt_error why = {0};
  bt_jwt_keys *fresh;
  if (is_url(ring->options.source))
    return bt_http_client_new(&(bt_http_options){.concurrency = 1}, &ring->client, error);
  bt_status status = read_keys(ring, &fresh, &why);
  if (status) return bt_error_set(error, status, "the keys for JWTs, %s: %s", ring->options.source, why.message);
  take_keys(ring, fresh);
  return BT_OK;
}

bt_status bt_jwt_ring_new(const bt_jwt_ring_options *options, bt_jwt_ring **out, bt_error *error) {
  *out = NULL;
  bt_status status = check_source(options->source, error);
  if (status) return status;
  bt_jwt_ring *ring = calloc(1, sizeof *ring);
  if (!ring) return bt_error_no_memory(error);
  ring->options = *options;
  pthread_mutex_init(&ring->mutex, NULL);
  bt_condition_init(&ring->changed);
  status = first_look(ring, error);
  if (!status) {
    ring->is_started = pthread_create(&ring->thread, NULL, run_ring, ring) == 0;
    if (!ring->is_started)
      status = bt_error_set(error, BT_LIMIT, "the system refused to start a thread for JWTs' keys");
  }
  if (status)
    bt_jwt_ring_free(ring);
  else
    *out = ring;
  return status;
}

void bt_jwt_ring_free(bt_jwt_ring *ring) {
  if (!ring) return;
  atomic_store(&ring->cancel.requested, true);
  pthread_mutex_lock(&ring->mutex);
  ring->is_ending = true;
  pthread_cond_broadcast(&ring->changed);
  pthread_mutex_unlock(&ring->mutex);
  if (ring->is_started) pthread_join(ring->thread, NULL);
  if (ring->client) bt_http_client_free(ring->client);
  bt_jwt_keys_free(ring->keys);
  pthread_cond_destroy(&ring->changed);
  pthread_mutex_destroy(&ring->mutex);
  free(ring);
}

/* ---- use ---- */

static void want_keys(bt_jwt_ring *ring) {
  ring->is_renewed = true;
  pthread_cond_broadcast(&ring->changed);
}

void bt_jwt_ring_renew(bt_jwt_ring *ring) {
  pthread_mutex_lock(&ring->mutex);
  want_keys(ring);
  pthread_mutex_unlock(&ring->mutex);
}

/* The mutex is ours. By time alone, and not by what the last fetch brought, so that nobody can make us ask more often.
 */
static bt_jwt_found ask_again(bt_jwt_ring *ring) {
  int64_t now_ns = bt_clock_monotonic_ns();
  if (!ring->has_been_wanted || now_ns - ring->wanted_at_ns >= WANTED_NS) {
    ring->has_been_wanted = true;
    ring->wanted_at_ns = now_ns;
    want_keys(ring);
  }
  return ring->is_renewed || ring->is_fetching ? BT_JWT_KEY_SOON : BT_JWT_NO_KEY;
}

bt_jwt_found bt_jwt_ring_find(bt_jwt_ring *ring, bt_jwt_algorithm algorithm, bt_str kid, EVP_PKEY **out) {
  bt_jwt_found found = BT_JWT_NO_KEYS;
  *out = NULL;
  pthread_mutex_lock(&ring->mutex);
  if (ring->keys && bt_clock_steady_ns() - ring->came_ns <= ring->options.keep_ns) {
    EVP_PKEY *key = bt_jwt_keys_find(ring->keys, algorithm, kid);
    if (key && EVP_PKEY_up_ref(key) == 1) *out = key;
    found = *out ? BT_JWT_KEY : ask_again(ring);
  }
  pthread_mutex_unlock(&ring->mutex);
  return found;
}
