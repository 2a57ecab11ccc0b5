/* Bearer tokens: the file that lists them, and finding the one that a request shows. The file holds no token, only its
 * SHA-256: a token is 32 random bytes, so there is nothing to guess and a slow hash would only cost. One line a token:
 *
 *   NAME sha256:HEX viewer|editor [tenants=a,b | tenants=*] [grafana-user] [expires=TIME]
 *
 * and lines that begin with #. Every line has to end with a line break: of a file that was cut while it was written,
 * the last line might say more than was meant ("tenants=" or "expires=" gone), and it is refused as a whole. Errors
 * name the file and the line and never show what stood there: it may be a token pasted by mistake. Thread: immutable
 * once parsed. */
#ifndef BT_SERVER_HTTP_TOKENS_H
#define BT_SERVER_HTTP_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/base/sha256.h"
#include "server/http/role.h"

enum {
  BT_TOKENS_MAX = 1000,
  BT_TOKENS_FILE_MAX_BYTES = 1 << 20,
  BT_TOKEN_NAME_MAX = 64,
  BT_TOKEN_TEXT_BYTES = 52 /* "betrace_", 43 characters, NUL */
};

typedef struct bt_token {
  bt_str name; /* letters, digits, . _ -; who it is for */
  bt_sha256 hash;
  bt_role role;
  bool every_tenant;     /* tenants=*: any, and none */
  const bt_str *tenants; /* else these alone, and where there are none, the service without tenants */
  size_t tenant_count;
  bool sends_user;       /* its X-Grafana-User is believed */
  int64_t expires_at_ns; /* from then on it is none; 0: never */
} bt_token;

typedef struct bt_tokens { /* in the order of the file */
  bt_arena arena;
  bt_token *items;
  size_t count, capacity;
} bt_tokens;

/* new. `file` is for messages. BT_INVALID: what was expected in which line; a file without any token is wrong too.
 * BT_IO: it cannot be read. BT_LIMIT: it is larger than 1 MiB. BT_NO_MEMORY. */
bt_status bt_tokens_parse(bt_str text, const char *file, bt_tokens **out, bt_error *error) BT_MUST_CHECK;
bt_status bt_tokens_read(const char *file, bt_tokens **out, bt_error *error) BT_MUST_CHECK;
void bt_tokens_free(bt_tokens *tokens); /* NULL is fine */

/* The token that this text is, or NULL. Takes as long whichever it is, or none. */
const bt_token *bt_tokens_find(const bt_tokens *tokens, bt_str secret);
bool bt_token_may_use(const bt_token *token, bt_str tenant);

/* A new random token. BT_IO: the system has no randomness. */
bt_status bt_token_make(char text[BT_TOKEN_TEXT_BYTES], bt_error *error) BT_MUST_CHECK;
/* Plain SHA-256 of the text, as `sha256sum` gives it. BT_NO_MEMORY alone. */
bt_status bt_token_hash(bt_str secret, bt_sha256 *out, bt_error *error) BT_MUST_CHECK;

/* When a token ends, as expires= has it: "2027-01-31" (its first moment, UTC) or RFC 3339. False: neither. */
bool bt_token_time_parse(bt_str text, int64_t *out_ns);

/* A name of a tenant as Tempo takes them: 1 to 150 of letters, digits and !-_.*'(), but not "." or "..". */
bool bt_tenant_is_valid(bt_str name);

#endif
