/* Basic and bearer credentials as one header. See tempo_access.h. */
#include "tempo/api/tempo_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char basic[] = "Authorization: Basic ", bearer[] = "Authorization: Bearer ";

static void append_base64(char *out, const unsigned char *bytes, size_t count) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < count; i += 3) {
    unsigned a = bytes[i], b = i + 1 < count ? bytes[i + 1] : 0, c = i + 2 < count ? bytes[i + 2] : 0;
    *out++ = digits[a >> 2];
    *out++ = digits[(a & 3) << 4 | b >> 4];
    *out++ = i + 1 < count ? digits[(b & 15) << 2 | c >> 6] : '=';
    *out++ = i + 2 < count ? digits[c & 63] : '=';
  }
  *out = '\0';
}

static void wipe_and_free(char *text, size_t length) {
  if (text) explicit_bzero(text, length);
  free(text);
}

void bt_tempo_authorization_free(char *header) {
  wipe_and_free(header, header ? strlen(header) : 0);
}

static bt_status make_basic(const char *user, const char *password, char **out, bt_error *error) {
  size_t length = strlen(user) + 1 + strlen(password);
  char *pair = malloc(length + 1), *header = malloc(sizeof basic + (length + 2) / 3 * 4);
  if (pair && header) {
    (void)snprintf(pair, length + 1, "%s:%s", user, password);
    memcpy(header, basic, sizeof basic - 1);
    append_base64(header + sizeof basic - 1, (const unsigned char *)pair, length);
    *out = header;
    header = NULL;
  }
  wipe_and_free(pair, length);
  free(header);
  return *out ? BT_OK : bt_error_no_memory(error);
}

static bt_status make_bearer(const char *token, char **out, bt_error *error) {
  size_t length = strlen(token);
  char *header = malloc(sizeof bearer + length);
  if (!header) return bt_error_no_memory(error);
  memcpy(header, bearer, sizeof bearer - 1);
  memcpy(header + sizeof bearer - 1, token, length + 1);
  *out = header;
  return BT_OK;
}

/* Controls would end the header or the pair. */
static bool has_controls(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7F) return true;
  return false;
}

static bool is_token(const char *text) {
  if (!*text) return false;
  for (; *text; text++)
    if (*text <= ' ' || *text > '~') return false;
  return true;
}

bt_status bt_tempo_authorization(const bt_tempo_options *options, char **out, bt_error *error) {
  const char *user = options->user, *password = options->password, *token = options->token;
  *out = NULL;
  if (!user && !password && !token) return BT_OK;
  if (token && (user || password))
    return bt_error_set(error, BT_INVALID,
                        "a bearer token and a user exclude each other: Tempo is told one or the other");
  if (token && !is_token(token))
    return bt_error_set(error, BT_INVALID, "the token for Tempo has to be one word of printable ASCII");
  if (token) return make_bearer(token, out, error);
  if (!user || !*user || !password)
    return bt_error_set(error, BT_INVALID, "basic authentication needs a user and a password; %s",
                        user && *user ? "the password is not set" : "the user is not set");
  if (strchr(user, ':') || has_controls(user) || has_controls(password))
    return bt_error_set(error, BT_INVALID,
                        "the user for Tempo may hold no colon, and neither user nor password a control character");
  return make_basic(user, password, out, error);
}
