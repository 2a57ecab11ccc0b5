/* A temporary folder of web pages. See pages_folder.h. */
#include "tests/server/pages_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void require(int holds) {
  if (!holds) abort();
}

void pages_folder_make(char *name) {
  require(mkdtemp(name) != NULL);
}

void pages_folder_write(const char *folder, const char *path, const char *text) {
  char full[1024];
  snprintf(full, sizeof full, "%s/%s", folder, path);
  for (char *slash = strchr(full + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(full, 0700);
    *slash = '/';
  }
  FILE *file = fopen(full, "w");
  require(file != NULL);
  require(fputs(text, file) >= 0);
  require(fclose(file) == 0);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place) {
  (void)about, (void)kind, (void)place;
  return remove(path);
}

void pages_folder_remove(const char *folder) {
  require(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}
