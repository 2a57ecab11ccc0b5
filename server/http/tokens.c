/* Reading the tokens file. See tokens.h. */
#include "server/http/tokens.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/base/time_text.h"

typedef struct line_reader {
  bt_tokens *tokens;
  const char *file;
  unsigned line;
  bt_error *error;
} line_reader;

/* ---- parts of a line ---- */

static bt_status refuse_line(const line_reader *reader, const char *expected) {
  return bt_error_set(reader->error, BT_INVALID, "%s:%u: %s", reader->file, reader->line, expected);
}

static bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool consists_of(bt_str text, const char *besides) {
  for (size_t i = 0; i < text.len; i++)
    if (!is_letter_or_digit(text.ptr[i]) && (!text.ptr[i] || !strchr(besides, text.ptr[i]))) return false;
  return true;
}

bool bt_tenant_is_valid(bt_str name) {
  if (name.len == 0 || name.len > 150 || !consists_of(name, "!-_.*'()")) return false;
  return !bt_str_equal(name, BT_STR(".")) && !bt_str_equal(name, BT_STR(".."));
}

/* Cuts up to `end` off; false when nothing is left. */
static bool cut_field(bt_str *rest, char end, bt_str *out) {
  if (!rest->ptr) return false;
  const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
  *out = (bt_str){rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len};
  *rest = at ? (bt_str){at + 1, rest->len - out->len - 1} : (bt_str){0};
  return true;
}

/* The next word between blanks. */
static bool cut_word(bt_str *rest, bt_str *out) {
  while (rest->len && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t')) rest->ptr++, rest->len--;
  size_t length = 0;
  while (length < rest->len && rest->ptr[length] != ' ' && rest->ptr[length] != '\t') length++;
  *out = (bt_str){rest->ptr, length};
  *rest = (bt_str){rest->ptr + length, rest->len - length};
  return length > 0;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(bt_str word, bt_sha256 *out) {
  static const bt_str prefix = {"sha256:", 7};
  if (word.len != prefix.len + BT_SHA256_HEX || !bt_str_starts_with(word, prefix)) return false;
  for (size_t i = 0; i < BT_SHA256_BYTES; i++) {
    int high = hex_value(word.ptr[prefix.len + 2 * i]), low = hex_value(word.ptr[prefix.len + 2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out->bytes[i] = (uint8_t)(high * 16 + low);
  }
  return true;
}

static bool parse_role(bt_str word, bt_role *out) {
  bool is_editor = bt_str_equal(word, BT_STR("editor"));
  *out = is_editor ? BT_ROLE_EDITOR : BT_ROLE_VIEWER;
  return is_editor || bt_str_equal(word, BT_STR("viewer"));
}

static bt_status parse_tenants(const line_reader *reader, bt_str list, bt_token *token) {
  if (bt_str_equal(list, BT_STR("*"))) return token->every_tenant = true, BT_OK;
  size_t most = 1;
  for (size_t i = 0; i < list.len; i++) most += list.ptr[i] == ',';
  bt_str *names = bt_arena_array(&reader->tokens->arena, most, sizeof *names), name;
  if (!names) return bt_error_no_memory(reader->error);
  while (cut_field(&list, ',', &name)) {
    if (!bt_tenant_is_valid(name) || bt_str_equal(name, BT_STR("*")))
      return refuse_line(reader,
                         "tenants= has to be followed by names of tenants with commas between them, or by * alone; "
                         "a name is 1 to 150 letters, digits and !-_.*'()");
    if (!bt_arena_copy(&reader->tokens->arena, name, &names[token->tenant_count++]))
      return bt_error_no_memory(reader->error);
  }
  token->tenants = names;
  return BT_OK;
}

bool bt_token_time_parse(bt_str text, int64_t *out_ns) {
  char whole[64];
  bool is_date = text.len == 10;
  if (text.len < 10 || text.len > 40 || text.ptr[4] != '-' || text.ptr[7] != '-') return false;
  int length = snprintf(whole, sizeof whole, "%.*s%s", BT_FMT(text), is_date ? "T00:00:00Z" : "");
  return length > 0 && bt_time_parse((bt_str){whole, (size_t)length}, 0, out_ns) && *out_ns > 0;
}

static bt_status parse_expiry(const line_reader *reader, bt_str word, bt_token *token) {
  if (bt_token_time_parse(word, &token->expires_at_ns)) return BT_OK;
  return refuse_line(reader, "expires= has to be a day as 2027-01-31, or a time as 2027-01-31T12:00:00Z");
}

static bt_status parse_mark(const line_reader *reader, bt_str word, bt_token *token) {
  static const bt_str tenants = {"tenants=", 8}, expires = {"expires=", 8};
  if (!token->expires_at_ns && bt_str_starts_with(word, expires))
    return parse_expiry(reader, (bt_str){word.ptr + expires.len, word.len - expires.len}, token);
  bool has_tenants = token->every_tenant || token->tenant_count;
  if (!has_tenants && bt_str_starts_with(word, tenants))
    return parse_tenants(reader, (bt_str){word.ptr + tenants.len, word.len - tenants.len}, token);
  if (!token->sends_user && bt_str_equal(word, BT_STR("grafana-user"))) return token->sends_user = true, BT_OK;
  return refuse_line(reader, "after the role may stand tenants=a,b and grafana-user and expires=TIME, each once");
}

/* ---- lines ---- */

static bt_status check_new(const line_reader *reader, const bt_token *fresh) {
  const bt_tokens *tokens = reader->tokens;
  for (size_t i = 0; i < tokens->count; i++) {
    if (bt_str_equal(tokens->items[i].name, fresh->name))
      return refuse_line(reader, "another line has this name already");
    if (memcmp(&tokens->items[i].hash, &fresh->hash, sizeof fresh->hash) == 0)
      return refuse_line(reader, "another line has this token already");
  }
  return tokens->count < BT_TOKENS_MAX ? BT_OK : refuse_line(reader, "there may be 1,000 tokens at most");
}

static bt_status parse_token(const line_reader *reader, bt_str rest, bt_token *token) {
  bt_str word;
  if (!cut_word(&rest, &word) || word.len > BT_TOKEN_NAME_MAX || !consists_of(word, "._-"))
    return refuse_line(reader, "a line begins with the token's name: up to 64 letters, digits and . _ -");
  if (!bt_arena_copy(&reader->tokens->arena, word, &token->name)) return bt_error_no_memory(reader->error);
  if (!cut_word(&rest, &word) || !parse_hash(word, &token->hash))
    return refuse_line(reader, "after the name comes sha256: with 64 hexadecimal digits in lower case, never the token "
                               "itself; `betrace token new` prints such a line");
  if (!cut_word(&rest, &word) || !parse_role(word, &token->role))
    return refuse_line(reader, "after the hash comes a role: viewer or editor");
  while (cut_word(&rest, &word)) {
    bt_status status = parse_mark(reader, word, token);
    if (status) return status;
  }
  return check_new(reader, token);
}

static bt_status parse_line(const line_reader *reader, bt_str line) {
  bt_tokens *tokens = reader->tokens;
  bt_str rest = line, word;
  if (line.len && line.ptr[line.len - 1] == '\r') rest.len--;
  bt_str start = rest;
  if (!cut_word(&start, &word) || word.ptr[0] == '#') return BT_OK;
  bt_token *grown = bt_grow_array(tokens->items, tokens->count, &tokens->capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(reader->error);
  tokens->items = grown;
  bt_token fresh = {0};
  bt_status status = parse_token(reader, rest, &fresh);
  if (!status) tokens->items[tokens->count++] = fresh;
  return status;
}

bt_status bt_tokens_parse(bt_str text, const char *file, bt_tokens **out, bt_error *error) {
  *out = NULL;
  bt_tokens *tokens = calloc(1, sizeof *tokens);
  if (!tokens) return bt_error_no_memory(error);
  bt_arena_init(&tokens->arena, 8 * (size_t)BT_TOKENS_FILE_MAX_BYTES);
  line_reader reader = {.tokens = tokens, .file = file, .error = error};
  bt_status status = BT_OK;
  bt_str line = {0};
  if (!text.ptr) text = BT_STR("");
  for (; !status && cut_field(&text, '\n', &line); status = parse_line(&reader, line)) reader.line++;
  if (!status && line.len)
    status =
        refuse_line(&reader, "the last line has no end, as in a file that was cut while it was written; end it with a "
                             "line break");
  if (!status && !tokens->count)
    status =
        bt_error_set(error, BT_INVALID,
                     "%s holds no token: nobody could use the service; `betrace token new` prints a line for it", file);
  if (status)
    bt_tokens_free(tokens);
  else
    *out = tokens;
  return status;
}

bt_status bt_tokens_read(const char *file, bt_tokens **out, bt_error *error) {
  *out = NULL;
  char *text = malloc(BT_TOKENS_FILE_MAX_BYTES + 1);
  if (!text) return bt_error_no_memory(error);
  errno = 0;
  FILE *stream = fopen(file, "re");
  size_t length = stream ? fread(text, 1, BT_TOKENS_FILE_MAX_BYTES + 1, stream) : 0;
  bt_status status = BT_OK;
  if (!stream || ferror(stream))
    status = bt_error_set(error, BT_IO, "the tokens file %s cannot be read: %s", file, strerror(errno));
  else if (length > BT_TOKENS_FILE_MAX_BYTES)
    status = bt_error_set(error, BT_LIMIT, "the tokens file %s is larger than 1 MiB", file);
  else
    status = bt_tokens_parse((bt_str){text, length}, file, out, error);
  if (stream) fclose(stream);
  free(text);
  return status;
}

void bt_tokens_free(bt_tokens *tokens) {
  if (!tokens) return;
  bt_arena_dispose(&tokens->arena);
  free(tokens->items);
  free(tokens);
}

/* ---- use ---- */

bt_status bt_token_hash(bt_str secret, bt_sha256 *out, bt_error *error) {
  unsigned length = 0;
  if (EVP_Digest(secret.ptr ? secret.ptr : "", secret.len, out->bytes, &length, EVP_sha256(), NULL) == 1) return BT_OK;
  return bt_error_no_memory(error);
}

const bt_token *bt_tokens_find(const bt_tokens *tokens, bt_str secret) {
  bt_sha256 hash;
  const bt_token *found = NULL;
  if (bt_token_hash(secret, &hash, NULL)) return NULL;
  for (size_t i = 0; i < tokens->count; i++)
    if (CRYPTO_memcmp(&tokens->items[i].hash, &hash, sizeof hash) == 0) found = &tokens->items[i];
  return found;
}

bool bt_token_may_use(const bt_token *token, bt_str tenant) {
  bool may = token->every_tenant || (tenant.len == 0 && token->tenant_count == 0);
  for (size_t i = 0; i < token->tenant_count && !may; i++) may = bt_str_equal(token->tenants[i], tenant);
  return may;
}

bt_status bt_token_make(char text[BT_TOKEN_TEXT_BYTES], bt_error *error) {
  uint8_t random[33] = {0}; /* 32 and one of zeros: 44 characters, of which the last says nothing */
  unsigned char encoded[48];
  if (getrandom(random, 32, 0) != 32)
    return bt_error_set(error, BT_IO, "the system has no random bytes for a token: %s", strerror(errno));
  EVP_EncodeBlock(encoded, random, sizeof random);
  for (size_t i = 0; i < 44; i++) encoded[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
  snprintf(text, BT_TOKEN_TEXT_BYTES, "betrace_%.43s", (const char *)encoded);
  OPENSSL_cleanse(random, sizeof random);
  OPENSSL_cleanse(encoded, sizeof encoded);
  return BT_OK;
}
