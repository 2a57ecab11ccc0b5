/* Tokens files from anywhere: no crash, and what was taken is what the header promises. */
#include <stdint.h>
#include <stdlib.h>

#include "server/http/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_tokens *tokens;
  bt_error error = {0};
  bt_status status = bt_tokens_parse((bt_str){(const char *)data, size}, "fuzz", &tokens, &error);
  require(status == BT_OK || (error.message[0] && !tokens));
  for (size_t i = 0; tokens && i < tokens->count; i++) {
    const bt_token *token = &tokens->items[i];
    require(token->name.len > 0 && token->name.len <= BT_TOKEN_NAME_MAX);
    require(token->role == BT_ROLE_VIEWER || token->role == BT_ROLE_EDITOR);
    require(!token->every_tenant || token->tenant_count == 0);
    for (size_t k = 0; k < token->tenant_count; k++) require(bt_tenant_is_valid(token->tenants[k]));
    require(bt_token_may_use(token, BT_STR("")) == (token->every_tenant || token->tenant_count == 0));
  }
  if (tokens) require(!bt_tokens_find(tokens, (bt_str){(const char *)data, size}));
  bt_tokens_free(tokens);
  return 0;
}
