/* Which page answers a request, and how. See pages.h. */
#include <stdio.h>
#include <string.h>

#include "server/http/accept.h"
#include "server/http/pages_parts.h"

enum { MAX_PATH_BYTES = 1024 };

/* ---- what a path is ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* False: too long, or an escape that is none. */
static bool decode_path(bt_str in, char out[MAX_PATH_BYTES], bt_str *decoded) {
  size_t length = 0;
  for (size_t i = 0; i < in.len; i++, length++) {
    if (length == MAX_PATH_BYTES) return false;
    out[length] = in.ptr[i];
    if (in.ptr[i] != '%') continue;
    if (i + 2 >= in.len || hex_digit(in.ptr[i + 1]) < 0 || hex_digit(in.ptr[i + 2]) < 0) return false;
    out[length] = (char)(hex_digit(in.ptr[i + 1]) * 16 + hex_digit(in.ptr[i + 2]));
    i += 2;
  }
  *decoded = (bt_str){out, length};
  return true;
}

static bt_str last_part(bt_str text, char before) {
  size_t start = text.len;
  while (start && text.ptr[start - 1] != before) start--;
  return (bt_str){text.ptr + start, text.len - start};
}

static const struct {
  const char *extension, *content_type;
} types[] = {{"html", "text/html; charset=utf-8"},
             {"js", "text/javascript; charset=utf-8"},
             {"mjs", "text/javascript; charset=utf-8"},
             {"css", "text/css; charset=utf-8"},
             {"json", "application/json"},
             {"map", "application/json"},
             {"webmanifest", "application/manifest+json"},
             {"svg", "image/svg+xml"},
             {"png", "image/png"},
             {"jpg", "image/jpeg"},
             {"jpeg", "image/jpeg"},
             {"gif", "image/gif"},
             {"webp", "image/webp"},
             {"ico", "image/x-icon"},
             {"woff", "font/woff"},
             {"woff2", "font/woff2"},
             {"ttf", "font/ttf"},
             {"wasm", "application/wasm"},
             {"txt", "text/plain; charset=utf-8"},
             {"md", "text/plain; charset=utf-8"},
             {NULL, NULL}};

/* NULL: not an extension that files of pages have. */
static const char *type_of(bt_str path) {
  bt_str name = last_part(path, '/'), extension = last_part(name, '.');
  if (extension.len == name.len) return NULL;
  for (size_t i = 0; types[i].extension; i++)
    if (bt_str_equal_nocase(extension, bt_str_from(types[i].extension))) return types[i].content_type;
  return NULL;
}

/* A place within the pages: /rules/my.rule, and nothing that plays with paths. */
static bool is_place(bt_str path) {
  if (!path.len || path.ptr[0] != '/' || type_of(path)) return false;
  for (size_t i = 0; i < path.len; i++) {
    char c = path.ptr[i], next = i + 1 < path.len ? path.ptr[i + 1] : 'x';
    if ((unsigned char)c < 0x20 || c == 0x7F || c == '\\') return false;
    if (c == '/' && (next == '/' || next == '.')) return false;
  }
  return true;
}

bool bt_pages_leave_to_api(bt_str path) {
  return bt_str_equal(path, BT_STR("/v1")) || bt_str_starts_with(path, BT_STR("/v1/"));
}

/* ---- what the caller takes ---- */

static bool has_copy(bt_str if_none_match, const char *etag) {
  bt_str item;
  while (bt_accept_next(&if_none_match, ',', &item)) {
    if (bt_str_starts_with(item, BT_STR("W/"))) item.ptr += 2, item.len -= 2;
    if (bt_str_equal(item, BT_STR("*")) || bt_str_equal(item, bt_str_from(etag))) return true;
  }
  return false;
}

/* ---- the answer ---- */

/* What bundlers put into names: eight and more hex digits, or eight of base 32 in capitals. A word that looks like one
 * would be kept by browsers after it changed, so letters or digits alone are not enough for hex. */
static bool is_hash(bt_str part) {
  size_t digits = 0, lower = 0, base32 = 0;
  for (size_t i = 0; i < part.len; i++) {
    char c = part.ptr[i];
    digits += c >= '0' && c <= '9';
    lower += c >= 'a' && c <= 'f';
    base32 += (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
  }
  bool is_hex = part.len >= 8 && digits && lower && digits + lower == part.len;
  return is_hex || (part.len == 8 && base32 == 8 && digits < 8);
}

/* The first part is a name, and the last one the extension. */
static bool has_hash(bt_str path) {
  bt_str name = last_part(path, '/');
  size_t start = name.len;
  bool is_first = true;
  for (size_t i = 0; i < name.len; i++) {
    if (name.ptr[i] != '.' && name.ptr[i] != '-') continue;
    if (!is_first && is_hash((bt_str){name.ptr + start, i - start})) return true;
    is_first = false;
    start = i + 1;
  }
  return false;
}

static const struct {
  const char *encoding, *extension, *tag;
} packed[] = {{"br", ".br", "-br"}, {"gzip", ".gz", "-gz"}, {NULL, NULL, NULL}};

/* The file that stands beside it packed; NULL: none, or one that is older, which another build left. */
static const bt_page *packed_sibling(const bt_pages *pages, const bt_page *page, const char *extension) {
  char path[MAX_PATH_BYTES + 8];
  int length = snprintf(path, sizeof path, "%.*s%s", BT_FMT(page->path), extension);
  if (length < 0 || (size_t)length >= sizeof path) return NULL;
  const bt_page *found = bt_pages_at_path(pages, (bt_str){path, (size_t)length});
  return found && found->modified_ns >= page->modified_ns ? found : NULL;
}

static void choose_body(const bt_pages *pages, const bt_page *page, bt_str accept_encoding, bt_page_answer *out) {
  const bt_page *chosen = page;
  const char *tag = "";
  for (size_t i = 0; packed[i].encoding && !out->encoding; i++) {
    const bt_page *sibling =
        bt_accept_names(accept_encoding, packed[i].encoding) ? packed_sibling(pages, page, packed[i].extension) : NULL;
    if (!sibling) continue;
    chosen = sibling;
    out->encoding = packed[i].encoding;
    tag = packed[i].tag;
  }
  out->body = chosen->body;
  snprintf(out->etag, sizeof out->etag, "\"%s%s\"", chosen->hash, tag);
}

bool bt_pages_find(const bt_pages *pages, const bt_page_question *question, bt_page_answer *out) {
  char buffer[MAX_PATH_BYTES];
  bt_str path;
  *out = (bt_page_answer){0};
  if (!decode_path(question->path, buffer, &path)) return false;
  const bt_page *page = bt_pages_at_path(pages, path);
  bool is_root = bt_str_equal(path, BT_STR("/"));
  if (!page && (is_root || (is_place(path) && bt_accept_names(question->accept, "text/html"))))
    page = bt_pages_at_path(pages, BT_STR("/index.html"));
  if (!page) return false;
  const char *type = type_of(page->path);
  out->content_type = type ? type : "application/octet-stream";
  out->cache_control = has_hash(page->path) ? "public, max-age=31536000, immutable" : "no-cache";
  choose_body(pages, page, question->accept_encoding, out);
  out->status = has_copy(question->if_none_match, out->etag) ? 304 : 200;
  return true;
}
