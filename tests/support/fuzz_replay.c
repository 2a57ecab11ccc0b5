/* Runs a fuzz target over files and folders of a corpus, without libFuzzer: the committed corpus is an ordinary test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/support/case_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replay_file(const char *path) {
  size_t length = 0;
  char *text = case_read_file(path, &length);
  if (!text) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  /* A copy of exactly that size, so that the sanitizer sees a read past its end. */
  uint8_t *exact = malloc(length ? length : 1);
  if (!exact) abort();
  for (size_t i = 0; i < length; i++) exact[i] = (uint8_t)text[i];
  free(text);
  LLVMFuzzerTestOneInput(exact, length);
  free(exact);
  return 1;
}

static size_t replay_path(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return replay_file(path);
  struct dirent **entries = NULL;
  int found = scandir(path, &entries, NULL, alphasort);
  size_t count = 0;
  for (int i = 0; i < found; i++) {
    char inner[4096];
    snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.') count += replay_path(inner);
    free(entries[i]);
  }
  free(entries);
  return count;
}

int main(int argc, char **argv) {
  size_t count = 0;
  for (int i = 1; i < argc; i++) count += replay_path(argv[i]);
  printf("%zu inputs replayed\n", count);
  return count ? 0 : 1;
}
