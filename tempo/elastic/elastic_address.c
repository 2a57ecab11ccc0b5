/* See elastic_address.h. */
#include "tempo/elastic/elastic_address.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/wire/secret_header.h"
#include "tempo/wire/url.h"

#define EXAMPLE "+http://host:9200?index=otel-v1-apm-span-*"

static bt_status refuse_url(const bt_elastic_options *options, const char *problem, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "--store: %s; it should look like %s" EXAMPLE, problem, options->kind);
}

/* Names of indices, with wildcards and commas. A colon would name another cluster, of which an answer may lack all. */
static bool is_pattern(bt_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("_-.*,", c));
    if (!fits) return false;
  }
  return text.len > 0 && text.ptr[0] != '-' && text.ptr[0] != '_' && !bt_str_contains(text, BT_STR(",-")) &&
         !bt_str_contains(text, BT_STR(",_"));
}

static bt_status take_index(bt_elastic *elastic, const bt_elastic_options *options, const char *query,
                            bt_error *error) {
  static const char key[] = "index=";
  bt_str index = BT_STR("otel-v1-apm-span-*");
  if (query && strncmp(query, key, sizeof key - 1) == 0)
    index = bt_str_from(query + sizeof key - 1);
  else if (query)
    return refuse_url(options, "behind the ? there is index=PATTERN and nothing else", error);
  if (!is_pattern(index))
    return refuse_url(options, "a pattern of indices is small letters, digits, and _ - . * , (no other cluster's)",
                      error);
  elastic->index = strndup(index.ptr, index.len);
  return elastic->index ? BT_OK : bt_error_no_memory(error);
}

static bt_status take_base(bt_elastic *elastic, const bt_elastic_options *options, size_t length, bt_error *error) {
  while (length && options->url[length - 1] == '/') length--;
  elastic->store.base_url = strndup(options->url, length);
  if (!elastic->store.base_url) return bt_error_no_memory(error);
  if (bt_url_is_base(elastic->store.base_url)) return BT_OK;
  return refuse_url(options, "an http or https address was expected, without a user or password in it", error);
}

static bt_status take_credentials(bt_elastic *elastic, const bt_elastic_options *options, bt_error *error) {
  const char *user = options->user, *password = options->password, *key = options->api_key;
  if (!user && !password && !key) return BT_OK;
  if (key && (user || password))
    return bt_error_set(error, BT_INVALID, "an API key and a user exclude each other: the store is told one of them");
  if (!key && (!user || !password))
    return bt_error_set(error, BT_INVALID, "the store wants a user and a password; the %s is not set",
                        user ? "password" : "user");
  bool is_wrong = key ? bt_header_has_controls(key)
                      : strchr(user, ':') || bt_header_has_controls(user) || bt_header_has_controls(password);
  if (is_wrong)
    return bt_error_set(error, BT_INVALID,
                        "the user of the store may hold no colon, and nothing of its credentials a control character");
  if (key) return bt_header_make("Authorization: ApiKey ", key, &elastic->store.headers[0], error);
  return bt_header_basic(user, password, &elastic->store.headers[0], error);
}

bt_status bt_elastic_address_take(bt_elastic *elastic, const bt_elastic_options *options, bt_error *error) {
  const char *query = strchr(options->url, '?');
  size_t length = query ? (size_t)(query - options->url) : strlen(options->url);
  bt_status status = take_base(elastic, options, length, error);
  if (status == BT_OK) status = take_index(elastic, options, query ? query + 1 : NULL, error);
  return status == BT_OK ? take_credentials(elastic, options, error) : status;
}
