/* A temporary folder of web pages, for tests. What fails, fails the test. Thread: one. */
#ifndef BT_TESTS_SERVER_PAGES_FOLDER_H
#define BT_TESTS_SERVER_PAGES_FOLDER_H

/* Makes an empty folder below the current one; name ends with XXXXXX, as mkdtemp wants it. */
void pages_folder_make(char *name);
/* Writes a file; folders on the way to it are made. */
void pages_folder_write(const char *folder, const char *path, const char *text);
/* Removes all of it, links included. */
void pages_folder_remove(const char *folder);

#endif
