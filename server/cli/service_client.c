/* Calls to the service. See service_client.h. */
#include "server/cli/service_client.h"

#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"
#include "server/json/refusal.h"

enum { MAX_TOKEN_BYTES = 8192, MAX_ANSWER_BYTES = 64 * 1024 * 1024 };

static bt_status set_token(bt_service_client *client, const char *token, size_t length, bt_error *error) {
  while (length && strchr(" \t\r\n", token[length - 1])) length--;
  bt_buffer_append(&client->authorization, BT_STR("Authorization: Bearer "));
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)token[i] <= ' ' || (unsigned char)token[i] >= 0x7F)
      return bt_error_set(error, BT_INVALID, "a token has to be one word of printable characters");
  bt_buffer_append(&client->authorization, (bt_str){token, length});
  if (length) return BT_OK;
  return bt_error_set(error, BT_INVALID, "the token is empty");
}

static bt_status read_token(bt_service_client *client, bt_error *error) {
  size_t length = 0;
  bt_error why = {0};
  const char *text = getenv("BETRACE_TOKEN");
  if (!client->token_file) return text && text[0] ? set_token(client, text, strlen(text), error) : BT_OK;
  char *token = bt_cli_read_file(client->token_file, MAX_TOKEN_BYTES, &length, &why);
  if (!token) return bt_error_set(error, BT_INVALID, "the file of --token-file cannot be read");
  bt_status status = set_token(client, token, length, error);
  explicit_bzero(token, length);
  free(token);
  return status;
}

bt_status bt_service_client_open(bt_service_client *client, bt_error *error) {
  bt_http_options options = {.concurrency = 1};
  bt_status status = read_token(client, error);
  if (client->tenant) bt_buffer_printf(&client->tenant_header, "X-Scope-OrgID: %s", client->tenant);
  return status ? status : bt_http_client_new(&options, &client->http, error);
}

void bt_service_client_close(bt_service_client *client) {
  bt_http_client_free(client->http);
  client->http = NULL;
  if (client->authorization.ptr) explicit_bzero(client->authorization.ptr, client->authorization.len);
  bt_buffer_dispose(&client->authorization);
  bt_buffer_dispose(&client->tenant_header);
}

/* ---- answers ---- */

static bt_status take_answer(const bt_http_response *response, json_t **out, bt_error *error) {
  json_error_t problem;
  bool is_fine = response->status >= 200 && response->status < 300;
  *out = response->body.len ? json_loadb(response->body.ptr, response->body.len, 0, &problem) : NULL;
  if (is_fine && (*out || !response->body.len)) return BT_OK;
  if (is_fine) return bt_error_set(error, BT_UNAVAILABLE, "the answer is no JSON: is this a BeTrace service?");
  bt_status status = bt_service_refusal(response->status, *out, error);
  json_decref(*out);
  *out = NULL;
  return status;
}

bt_status bt_service_client_call(bt_service_client *client, const char *method, const char *path, bt_str body,
                                 const char *header, json_t **out, bt_error *error) {
  bt_buffer url = {0};
  bt_http_response response = {0};
  const char *headers[3];
  size_t count = 0, length = strlen(client->url);
  while (length && client->url[length - 1] == '/') length--;
  bt_buffer_printf(&url, "%.*s%s", (int)length, client->url, path);
  if (client->authorization.len) headers[count++] = client->authorization.ptr;
  if (client->tenant_header.len) headers[count++] = client->tenant_header.ptr;
  if (header) headers[count++] = header;
  bt_http_request request = {.method = method,
                             .url = url.ptr,
                             .body = body,
                             .headers = headers,
                             .header_count = count,
                             .ca_file = client->ca_file,
                             .max_body_bytes = MAX_ANSWER_BYTES};
  *out = NULL;
  bt_status status = url.failed ? bt_error_no_memory(error) : bt_http_send(client->http, &request, &response, error);
  if (!status) status = take_answer(&response, out, error);
  bt_http_response_dispose(&response);
  bt_buffer_dispose(&url);
  return status;
}
