/* Basic and bearer credentials as one header. See tempo_access.h. */
#include "tempo/api/tempo_access.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/wire/secret_header.h"

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
  if (token) return bt_header_make("Authorization: Bearer ", token, out, error);
  if (!user || !*user || !password)
    return bt_error_set(error, BT_INVALID, "basic authentication needs a user and a password; %s",
                        user && *user ? "the password is not set" : "the user is not set");
  if (strchr(user, ':') || bt_header_has_controls(user) || bt_header_has_controls(password))
    return bt_error_set(error, BT_INVALID,
                        "the user for Tempo may hold no colon, and neither user nor password a control character");
  return bt_header_basic(user, password, out, error);
}
