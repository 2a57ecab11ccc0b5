/* What a client says when it asks for a page: no crash, and what is answered is a file of the folder and nothing else.
 * The input is fields with a byte 0x1F between them: path, Accept, Accept-Encoding, If-None-Match. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/pages.h"
#include "tests/server/pages_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH, ACCEPT, ENCODING, COPY, FIELDS };

static void require(bool holds) {
  if (!holds) abort();
}

static bool has_page(const bt_pages *pages, const char *path) {
  bt_page_answer answer;
  return bt_pages_find(pages, &(bt_page_question){.path = bt_str_from(path)}, &answer);
}

static bt_pages *make_pages(void) {
  char folder[] = "betrace-fuzz-pages-XXXXXX";
  bt_pages *pages = NULL;
  pages_folder_make(folder);
  pages_folder_write(folder, "index.html", "index");
  pages_folder_write(folder, "a/app-1f2e3d4c.js", "plain");
  pages_folder_write(folder, "a/app-1f2e3d4c.js.gz", "gzipped");
  pages_folder_write(folder, ".secret", "secret");
  require(bt_pages_read(folder, &pages, NULL) == BT_OK);
  require(has_page(pages, "/index.html") && has_page(pages, "/a/app-1f2e3d4c.js") && !has_page(pages, "/.secret"));
  pages_folder_remove(folder);
  return pages;
}

static void cut_fields(bt_str rest, bt_str fields[FIELDS]) {
  for (int i = 0; i < FIELDS; i++) {
    const char *end = rest.len ? memchr(rest.ptr, 0x1F, rest.len) : NULL;
    size_t length = end ? (size_t)(end - rest.ptr) : rest.len, used = end ? length + 1 : length;
    fields[i] = (bt_str){rest.ptr, length};
    rest = (bt_str){rest.ptr + used, rest.len - used};
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bt_pages *pages;
  bt_str fields[FIELDS];
  bt_page_answer answer;
  if (!pages) pages = make_pages();
  cut_fields((bt_str){(const char *)data, size}, fields);
  bt_page_question question = {fields[PATH], fields[ACCEPT], fields[ENCODING], fields[COPY]};
  if (!bt_pages_find(pages, &question, &answer)) return 0;
  bool is_index = bt_str_equal(answer.body, BT_STR("index")), is_packed = bt_str_equal(answer.body, BT_STR("gzipped"));
  require(is_index || is_packed || bt_str_equal(answer.body, BT_STR("plain")));
  require(answer.status == 200 || (answer.status == 304 && fields[COPY].len > 0));
  require(answer.content_type && answer.cache_control && answer.etag[0] == '"');
  require(!is_index || strcmp(answer.cache_control, "no-cache") == 0);
  require(!answer.encoding || (is_packed && bt_str_contains(fields[ENCODING], BT_STR("i"))) ||
          fields[ENCODING].len > 0);
  require(fields[PATH].len && fields[PATH].len <= 3 * 1024);
  return 0;
}
