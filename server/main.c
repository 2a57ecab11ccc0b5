/* The program: one binary, one subcommand each. */
#include <stdio.h>

int main(void) {
  fputs("betrace: no command\n", stderr);
  return 2;
}
