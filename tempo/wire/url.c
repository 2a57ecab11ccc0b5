/* See url.h. */
#include "tempo/wire/url.h"

#include <curl/curl.h>
#include <string.h>

void bt_url_encode(bt_buffer *url, bt_str text) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.~", c));
    char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
    bt_buffer_append(url, plain ? (bt_str){text.ptr + i, 1} : (bt_str){escaped, sizeof escaped});
  }
}

static char *part_of(CURLU *parsed, CURLUPart part) {
  char *text = NULL;
  return curl_url_get(parsed, part, &text, 0) == CURLUE_OK ? text : NULL;
}

bool bt_url_is_base(const char *url) {
  CURLU *parsed = curl_url();
  bool is_one = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
  char *scheme = is_one ? part_of(parsed, CURLUPART_SCHEME) : NULL;
  char *user = is_one ? part_of(parsed, CURLUPART_USER) : NULL;
  char *query = is_one ? part_of(parsed, CURLUPART_QUERY) : NULL;
  char *fragment = is_one ? part_of(parsed, CURLUPART_FRAGMENT) : NULL;
  is_one = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) && !user && !query && !fragment;
  curl_free(scheme);
  curl_free(user);
  curl_free(query);
  curl_free(fragment);
  curl_url_cleanup(parsed);
  return is_one;
}
