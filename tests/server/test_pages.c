/* The pages of --ui: what is read from a folder, and which of it answers a path, an encoding and a caller's copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/http/pages.h"
#include "tests/server/pages_folder.h"

static char folder[] = "betrace-pages-XXXXXX";
static bt_pages *pages;

static void link_in(const char *target, const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(symlink(target, path), 0);
}

/* Packed siblings of an older build are older than their file. */
static void set_time(const char *name, time_t seconds) {
  char path[512];
  struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int set_up(void **state) {
  static const char *const files[][2] = {{"index.html", "the index"},
                                         {"app-1f2e3d4c.js", "plain"},
                                         {"app-1f2e3d4c.js.gz", "gzipped"},
                                         {"app-1f2e3d4c.js.br", "brotli"},
                                         {"old.js", "new text"},
                                         {"old.js.gz", "old text"},
                                         {"assets/style.css", "style"},
                                         {"assets/two words.txt", "text"},
                                         {"assets/data.unknown", "bytes"},
                                         {".env", "secret"},
                                         {".git/config", "secret"}};
  bt_error error = {0};
  (void)state;
  pages_folder_make(folder);
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    pages_folder_write(folder, files[i][0], files[i][1]);
    if (files[i][0][0] != '.') set_time(files[i][0], 1000);
  }
  set_time("old.js.gz", 999);
  link_in("/etc/passwd", "passwd.txt");
  link_in("/etc", "etc");
  link_in("index.html", "inside.html");
  char pipe_path[512];
  snprintf(pipe_path, sizeof pipe_path, "%s/pipe.js", folder);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  assert_int_equal(bt_pages_read(folder, &pages, &error), BT_OK);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bt_pages_free(pages);
  pages_folder_remove(folder);
  return 0;
}

/* The body, or NULL. */
static const char *ask(const char *path, const char *accept, const char *encoding, const char *copy,
                       bt_page_answer *answer) {
  static char body[64];
  bt_page_question question = {bt_str_from(path), bt_str_from(accept), bt_str_from(encoding), bt_str_from(copy)};
  if (!bt_pages_find(pages, &question, answer)) return NULL;
  snprintf(body, sizeof body, "%.*s", BT_FMT(answer->body));
  return body;
}

static void test_paths(void **state) {
  static const char browser[] = "text/html,application/xhtml+xml,*/*;q=0.8";
  static const struct {
    const char *path, *accept, *expected; /* NULL: no page */
  } cases[] = {
      {"/", "", "the index"},
      {"/", "application/json", "the index"},
      {"/index.html", "", "the index"},
      {"/assets/style.css", "", "style"},
      {"/assets/two%20words.txt", "", "text"},
      {"/assets/%73tyle.css", "", "style"},
      /* places within the pages */
      {"/rules", browser, "the index"},
      {"/rules/my.rule", browser, "the index"},
      {"/violations/", browser, "the index"},
      {"/rules/a%20b", browser, "the index"},
      {"/rules", "*/*", NULL},
      {"/rules", "text/html;q=0", NULL},
      {"/rules", "application/json", NULL},
      /* files that are not there */
      {"/assets/nope.js", browser, NULL},
      {"/favicon.ico", browser, NULL},
      {"/assets", "*/*", NULL},
      /* hidden files, links, pipes */
      {"/.env", browser, NULL},
      {"/.git/config", browser, NULL},
      {"/passwd.txt", browser, NULL},
      {"/etc/hostname", "*/*", NULL},
      {"/inside.html", browser, NULL},
      {"/pipe.js", browser, NULL},
      /* tricks */
      {"/../etc/passwd", browser, NULL},
      {"/assets/../index.html", browser, NULL},
      {"/assets/..", browser, NULL},
      {"/%2e%2e/%2e%2e/etc/passwd", browser, NULL},
      {"/..%2f..%2fetc%2fpasswd", browser, NULL},
      {"/..%5c..%5cboot.ini", browser, NULL},
      {"//evil.example/x", browser, NULL},
      {"/%2fevil.example", browser, NULL},
      {"/index.html%00.js", browser, NULL},
      {"/rules%00", browser, NULL},
      {"/rules/%0d%0aX-Header: 1", browser, NULL},
      {"/%", browser, NULL},
      {"/%4", browser, NULL},
      {"/%zz", browser, NULL},
      {"", browser, NULL},
      {"rules", browser, NULL},
      {"*", browser, NULL},
      {"/index.html/", "*/*", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bt_page_answer answer;
    const char *got = ask(cases[i].path, cases[i].accept, "", "", &answer);
    if (!cases[i].expected != !got || (got && strcmp(got, cases[i].expected) != 0))
      fail_msg("%s, accept \"%s\": got %s", cases[i].path, cases[i].accept, got ? got : "nothing");
  }
}

static void test_a_very_long_path(void **state) {
  static char path[5000];
  bt_page_answer answer;
  (void)state;
  memset(path, 'a', sizeof path - 1);
  path[0] = '/';
  assert_null(ask(path, "text/html", "", "", &answer));
}

static void test_encodings(void **state) {
  static const struct {
    const char *accepts, *encoding, *body;
  } cases[] = {{"", NULL, "plain"},
               {"gzip", "gzip", "gzipped"},
               {"gzip, deflate, br", "br", "brotli"},
               {"GZIP;q=0.5", "gzip", "gzipped"},
               {"br;q=0, gzip", "gzip", "gzipped"},
               {"br;q=0.0 , gzip; q=0.000", NULL, "plain"},
               {"br; q=0.001", "br", "brotli"},
               {"*", NULL, "plain"},
               {"gzipped, xbr", NULL, "plain"},
               {", ,;,", NULL, "plain"}};
  char seen[3][BT_PAGES_ETAG];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bt_page_answer answer;
    assert_string_equal(ask("/app-1f2e3d4c.js", "", cases[i].accepts, "", &answer), cases[i].body);
    assert_true(cases[i].encoding ? answer.encoding && strcmp(answer.encoding, cases[i].encoding) == 0
                                  : answer.encoding == NULL);
    assert_string_equal(answer.content_type, "text/javascript; charset=utf-8");
    if (i < 3) memcpy(seen[i], answer.etag, sizeof seen[i]);
  }
  assert_true(strcmp(seen[0], seen[1]) != 0 && strcmp(seen[1], seen[2]) != 0 && strcmp(seen[0], seen[2]) != 0);
  bt_page_answer answer;
  assert_string_equal(ask("/old.js", "", "gzip", "", &answer), "new text"); /* not what another build left */
}

static void test_copies(void **state) {
  bt_page_answer first, again;
  char list[200];
  (void)state;
  assert_non_null(ask("/index.html", "", "", "", &first));
  assert_int_equal(first.status, 200);
  const char *const same[] = {"%s", "W/%s", "\"x\", %s", "\"x\",W/%s ,\"y\"", "*%.0s"};
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(list, sizeof list, same[i], first.etag);
#pragma GCC diagnostic pop
    assert_non_null(ask("/index.html", "", "", list, &again));
    assert_int_equal(again.status, 304);
  }
  const char *const others[] = {"", "\"x\"", "x", ",", "W/"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_non_null(ask("/index.html", "", "", others[i], &again));
    assert_int_equal(again.status, 200);
  }
  assert_non_null(ask("/assets/style.css", "", "", first.etag, &again));
  assert_int_equal(again.status, 200);
}

/* Only what certainly has a hash in its name may be kept for good: a word that is taken for one would never be asked
 * for again. */
static void test_names_with_a_hash(void **state) {
  static const struct {
    const char *name;
    bool is_kept;
  } cases[] = {{"app-1f2e3d4c.js", true},
               {"app.0123456789abcdef0123.js", true},
               {"chunk-ABCD2345.js", true},
               {"chunk-ABCDEFGH.js", true},
               {"a-b-1f2e3d4c5e.min.css", true},
               {"app.js", false},
               {"index.html", false},
               {"1f2e3d4c.js", false},
               {"app-component.js", false},
               {"app-deadbeef.js", false},
               {"report-20261120.js", false},
               {"app-23456723.js", false},
               {"app-1f2e3d4.js", false},
               {"app-1F2E3D4C.js", false},
               {"app.1f2e3d4c", false},
               {"jquery-3.7.1.js", false}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char other[] = "betrace-names-XXXXXX", path[80];
    bt_pages *some = NULL;
    bt_page_answer answer;
    pages_folder_make(other);
    pages_folder_write(other, "index.html", "i");
    pages_folder_write(other, cases[i].name, "x");
    assert_int_equal(bt_pages_read(other, &some, NULL), BT_OK);
    snprintf(path, sizeof path, "/%s", cases[i].name);
    assert_true(bt_pages_find(some, &(bt_page_question){.path = bt_str_from(path)}, &answer));
    bool is_kept = strcmp(answer.cache_control, "no-cache") != 0;
    if (is_kept != cases[i].is_kept) fail_msg("%s: %s", cases[i].name, answer.cache_control);
    bt_pages_free(some);
    pages_folder_remove(other);
  }
}

static void test_what_is_the_apis(void **state) {
  (void)state;
  assert_true(bt_pages_leave_to_api(BT_STR("/v1")) && bt_pages_leave_to_api(BT_STR("/v1/nope")));
  assert_false(bt_pages_leave_to_api(BT_STR("/v10")) || bt_pages_leave_to_api(BT_STR("/")));
}

static void expect_refusal(const char *path, bt_status status, const char *says) {
  bt_pages *none = NULL;
  bt_error error = {0};
  assert_int_equal(bt_pages_read(path, &none, &error), status);
  assert_null(none);
  if (!strstr(error.message, says)) fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void test_folders_that_are_none(void **state) {
  char other[] = "betrace-empty-XXXXXX", file[64], deep[200];
  (void)state;
  expect_refusal("/nonexistent/ui", BT_IO, "make ui");
  pages_folder_make(other);
  expect_refusal(other, BT_INVALID, "has no index.html");
  snprintf(file, sizeof file, "%s/index.html", other);
  assert_int_equal(symlink("/etc/hostname", file), 0);
  expect_refusal(other, BT_INVALID, "links are not followed");
  unlink(file);
  pages_folder_write(other, "index.html", "i");
  expect_refusal(file, BT_IO, "cannot be opened");
  for (int i = 0; i < BT_PAGES_MAX_DEPTH + 1; i++) memcpy(deep + 2 * i, "d/", 2);
  memcpy(deep + 2 * (BT_PAGES_MAX_DEPTH + 1), "x.js", sizeof "x.js");
  pages_folder_write(other, deep, "x");
  expect_refusal(other, BT_LIMIT, "more than");
  pages_folder_remove(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_a_very_long_path),
      cmocka_unit_test(test_a_very_long_path),
      cmocka_unit_test(test_encodings),
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_names_with_a_hash),
      cmocka_unit_test(test_what_is_the_apis),
      cmocka_unit_test(test_folders_that_are_none),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
