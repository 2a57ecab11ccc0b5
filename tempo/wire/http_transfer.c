/* One HTTP transfer. See http_transfer.h. */
#include "tempo/wire/http_transfer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tempo/wire/wall_clock.h"

enum { DEFAULT_TIMEOUT_MS = 120000, CONNECT_TIMEOUT_MS = 5000, LONGEST_RETRY_AFTER_S = 3600 };
static const size_t default_max_body_bytes = (size_t)256 << 20;

static bt_status keep_piece(void *context, bt_str piece, bt_error *error) {
  bt_http_transfer *transfer = context;
  bt_buffer *body = &transfer->response->body;
  (void)error;
  if (piece.len > transfer->max_body_bytes - body->len) return BT_LIMIT;
  bt_buffer_append(body, piece);
  return body->failed ? BT_NO_MEMORY : BT_OK;
}

static bt_status take_bytes(bt_http_transfer *transfer, bt_str bytes) {
  bt_status status = BT_OK;
  if (transfer->packed == BT_HTTP_NOT_PACKED) return keep_piece(transfer, bytes, NULL);
  if (transfer->packed == BT_HTTP_GZIP) {
    if (!transfer->gzip) status = bt_gzip_new(&transfer->gzip, NULL);
    return status == BT_OK ? bt_gzip_feed(transfer->gzip, bytes, keep_piece, transfer, NULL) : status;
  }
  if (!transfer->zstd) status = bt_zstd_new((bt_str){NULL, 0}, &transfer->zstd, NULL);
  return status == BT_OK ? bt_zstd_feed(transfer->zstd, bytes, keep_piece, transfer, NULL) : status;
}

/* curl's write callback: anything but the full count ends the transfer. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  bt_http_transfer *transfer = context;
  bt_status status = take_bytes(transfer, (bt_str){bytes, size * count});
  transfer->body_status = status == BT_INVALID ? BT_UNAVAILABLE : status;
  return status == BT_OK ? size * count : 0;
}

static bt_str trim_line(bt_str s) {
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s = (bt_str){s.ptr + 1, s.len - 1};
  while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1])) s.len--;
  return s;
}

static void take_date(bt_http_transfer *transfer, bt_str value) {
  bt_http_response *response = transfer->response;
  char text[64];
  snprintf(text, sizeof text, "%.*s", (int)(value.len < sizeof text ? value.len : 0), value.ptr);
  time_t date_s = curl_getdate(text, NULL);
  response->date_s = date_s > 0 ? (int64_t)date_s : 0;
  response->asked_ns = transfer->asked_ns;
  response->came_ns = bt_clock_steady_ns();
}

static void keep_header(bt_http_response *response, bt_str value) {
  bool fits = value.len < sizeof response->kept_header;
  snprintf(response->kept_header, sizeof response->kept_header, "%.*s", (int)(fits ? value.len : 0), value.ptr);
}

/* curl's header callback, once a line, also of interim answers (100): a status line starts over. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
  bt_http_transfer *transfer = context;
  bt_str line = {bytes, size * count};
  if (bt_str_starts_with(line, BT_STR("HTTP/"))) {
    transfer->framed = transfer->is_kept = false;
    transfer->packed = BT_HTTP_NOT_PACKED;
    transfer->response->date_s = 0;
    transfer->response->kept_header[0] = '\0';
    return line.len;
  }
  const char *colon = memchr(bytes, ':', line.len);
  if (!colon) return line.len;
  bt_str name = {bytes, (size_t)(colon - bytes)};
  bt_str value = trim_line((bt_str){colon + 1, line.len - name.len - 1});
  if (bt_str_equal_nocase(name, BT_STR("Content-Length")) || bt_str_equal_nocase(name, BT_STR("Transfer-Encoding")))
    transfer->framed = true;
  if (bt_str_equal_nocase(name, BT_STR("Age"))) transfer->is_kept = true;
  if (bt_str_equal_nocase(name, BT_STR("Date"))) take_date(transfer, value);
  if (transfer->kept_header && bt_str_equal_nocase(name, bt_str_from(transfer->kept_header)))
    keep_header(transfer->response, value);
  if (bt_str_equal_nocase(name, BT_STR("Content-Encoding"))) {
    if (bt_str_equal_nocase(value, BT_STR("gzip")))
      transfer->packed = BT_HTTP_GZIP;
    else if (bt_str_equal_nocase(value, BT_STR("zstd")))
      transfer->packed = BT_HTTP_ZSTD;
    else if (!bt_str_equal_nocase(value, BT_STR("identity")))
      transfer->body_status = BT_REFUSED;
  }
  return transfer->body_status == BT_OK ? line.len : 0;
}

static bool add_header(bt_http_transfer *transfer, const char *line) {
  struct curl_slist *longer = curl_slist_append(transfer->headers, line);
  if (longer) transfer->headers = longer;
  return longer != NULL;
}

static bool set_headers(bt_http_transfer *transfer, const bt_http_request *request) {
  /* An empty Expect: without it curl waits for a 100 before it sends a larger body. */
  if (!add_header(transfer, "Accept-Encoding: gzip, zstd") || !add_header(transfer, "Expect:")) return false;
  for (size_t i = 0; i < request->header_count; i++)
    if (!add_header(transfer, request->headers[i])) return false;
  if (request->traceparent && !add_header(transfer, request->traceparent)) return false;
  return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

/* libcurl looks names up on threads of its own, and waits for them when a transfer is taken back: one name server that
 * is silent would hold up every other request, and the end of the process. Older ones cannot leave it behind. */
static bool leave_name_lookups(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
  return curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
#else
  return easy != NULL;
#endif
}

static bool set_fences(CURL *easy, int64_t timeout_ms) {
  return leave_name_lookups(easy) && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
         /* Where Tempo is, the settings say, and nothing else: no proxy of the environment comes between. */
         curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
}

static bool set_request(bt_http_transfer *transfer, const bt_http_request *request, const char *user_agent) {
  CURL *easy = transfer->easy;
  bool is_post = strcmp(request->method, "POST") == 0;
  bool has_body = is_post || request->body.len;
  if (has_body && (curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK ||
                   curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr ? request->body.ptr : "") != CURLE_OK ||
                   curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) != CURLE_OK))
    return false;
  bool is_other = !is_post && strcmp(request->method, "GET") != 0;
  if (is_other && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK) return false;
  /* It takes the place of the system's file; the system's folder of authorities stays. */
  if (request->ca_file && curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file) != CURLE_OK) return false;
  return curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent) == CURLE_OK && set_headers(transfer, request);
}

static bool set_callbacks(bt_http_transfer *transfer) {
  CURL *easy = transfer->easy;
  return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK;
}

static bool is_http(const char *url) {
  return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static bt_status invalid_url(bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the address is not an http:// or https:// URL");
}

bt_status bt_http_transfer_init(bt_http_transfer *transfer, const bt_http_request *request, const char *user_agent,
                                bt_http_response *response, bt_error *error) {
  *transfer =
      (bt_http_transfer){.response = response,
                         .max_body_bytes = request->max_body_bytes ? request->max_body_bytes : default_max_body_bytes,
                         .kept_header = request->kept_header,
                         .asked_ns = bt_clock_steady_ns(),
                         .timeout_ms = request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS};
  if (!is_http(request->url)) return invalid_url(error);
  transfer->easy = curl_easy_init();
  if (transfer->easy && set_fences(transfer->easy, transfer->timeout_ms) && set_callbacks(transfer) &&
      set_request(transfer, request, user_agent))
    return BT_OK;
  bt_http_transfer_dispose(transfer);
  return bt_error_no_memory(error);
}

/* Why curl could not give an answer, in words without the URL. */
static bt_status explain_code(const bt_http_transfer *transfer, CURLcode code, bt_error *error) {
  if (code == CURLE_URL_MALFORMAT) return invalid_url(error);
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
    return bt_error_set(error, BT_UNAVAILABLE, "what answers there does not speak HTTP");
  if (code == CURLE_SSL_CACERT_BADFILE)
    return bt_error_set(error, BT_REFUSED, "the file of authorities cannot be read, or holds no certificate (PEM)");
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return bt_error_set(error, BT_REFUSED,
                        "the server's certificate is of no authority that is known here, has expired, or is for "
                        "another host name");
  if (code == CURLE_OUT_OF_MEMORY) return bt_error_no_memory(error);
  if (code == CURLE_OPERATION_TIMEDOUT)
    return bt_error_set(error, BT_UNAVAILABLE, "no complete answer within %lld ms", (long long)transfer->timeout_ms);
  if (code == CURLE_COULDNT_RESOLVE_HOST)
    return bt_error_set(error, BT_UNAVAILABLE, "the host name cannot be resolved");
  if (code == CURLE_COULDNT_CONNECT) return bt_error_set(error, BT_UNAVAILABLE, BT_HTTP_NOT_CONNECTED);
  if (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR)
    return bt_error_set(error, BT_UNAVAILABLE, "the connection was cut off before the answer was complete");
  return bt_error_set(error, BT_UNAVAILABLE, "the request failed: %s", curl_easy_strerror(code));
}

static const char *name_of_packed(const bt_http_transfer *transfer) {
  return transfer->packed == BT_HTTP_ZSTD ? "zstd" : "gzip";
}

static bt_status explain_body(const bt_http_transfer *transfer, bt_error *error) {
  if (transfer->body_status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (transfer->body_status == BT_LIMIT)
    return bt_error_set(error, BT_LIMIT, "the answer is larger than the %zu bytes that are allowed",
                        transfer->max_body_bytes);
  if (transfer->body_status == BT_REFUSED)
    return bt_error_set(error, BT_REFUSED, "the answer is in a Content-Encoding that was not asked for");
  return bt_error_set(error, BT_UNAVAILABLE, "the answer is not valid %s", name_of_packed(transfer));
}

static void read_head(bt_http_transfer *transfer) {
  bt_http_response *response = transfer->response;
  long status = 0;
  curl_off_t retry_after_s = 0;
  char *type = NULL;
  if (transfer->is_kept) response->date_s = 0;
  if (curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK) response->status = (int)status;
  if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK && retry_after_s > 0)
    response->retry_after_ms = (retry_after_s < LONGEST_RETRY_AFTER_S ? retry_after_s : LONGEST_RETRY_AFTER_S) * 1000;
  if (curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type)
    snprintf(response->content_type, sizeof response->content_type, "%s", type);
}

bt_status bt_http_transfer_result(bt_http_transfer *transfer, CURLcode code, bt_error *error) {
  read_head(transfer);
  if (transfer->body_status != BT_OK) return explain_body(transfer, error);
  if (code != CURLE_OK) return explain_code(transfer, code, error);
  bool is_cut = (transfer->gzip && bt_gzip_end(transfer->gzip, NULL) != BT_OK) ||
                (transfer->zstd && bt_zstd_end(transfer->zstd, NULL) != BT_OK);
  if (is_cut)
    return bt_error_set(error, BT_UNAVAILABLE, "the %s stream of the answer ends in the middle",
                        name_of_packed(transfer));
  if (!transfer->framed && transfer->response->body.len)
    return bt_error_set(error, BT_UNAVAILABLE, "the answer has no length, so nobody can say whether it is complete");
  return BT_OK;
}

void bt_http_transfer_dispose(bt_http_transfer *transfer) {
  if (transfer->easy) curl_easy_cleanup(transfer->easy);
  curl_slist_free_all(transfer->headers);
  bt_gzip_free(transfer->gzip);
  bt_zstd_free(transfer->zstd);
  transfer->easy = NULL;
  transfer->headers = NULL;
  transfer->gzip = NULL;
  transfer->zstd = NULL;
}
