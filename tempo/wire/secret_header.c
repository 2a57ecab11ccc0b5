/* Making and wiping them. See secret_header.h. */
#include "tempo/wire/secret_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char basic[] = "Authorization: Basic ";

bool bt_header_has_controls(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7F) return true;
  return false;
}

bt_status bt_header_make(const char *begin, const char *value, char **out, bt_error *error) {
  size_t length = strlen(begin) + strlen(value) + 1;
  *out = malloc(length);
  if (!*out) return bt_error_no_memory(error);
  (void)snprintf(*out, length, "%s%s", begin, value);
  return BT_OK;
}

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

void bt_header_free(char *header) {
  wipe_and_free(header, header ? strlen(header) : 0);
}

bt_status bt_header_basic(const char *user, const char *password, char **out, bt_error *error) {
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
