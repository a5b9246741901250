// A WASI command, left as the core module for preview 1 that the compiler makes: it copies its
// standard input, or what it is told to write, byte by byte to where it is told.
//
//   mirror [OPTION]...
//     --err          to standard error instead of standard output
//     --from FILE    from a file
//     --to FILE      to a file
//     --fill N       N bytes of a pattern that has every byte in it, instead of an input
//     --args         its arguments instead, a line each
//     --env          its environment instead, a line each
//     --exit N       exits with this code afterwards
//     --trap         traps afterwards

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static char block[1 << 16];

static void say(const char *text) { (void)!write(2, text, strlen(text)); }

static void fail(const char *what, int status) {
  say("mirror: ");
  say(what);
  say("\n");
  exit(status);
}

static void put(int to, const char *bytes, size_t left) {
  while (left > 0) {
    ssize_t done = write(to, bytes, left);
    if (done < 0)
      fail(errno == EPIPE || errno == EIO ? "nobody reads it" : "cannot write", 3);
    bytes += done;
    left -= (size_t)done;
  }
}

static void lines(int to, char **texts) {
  for (; *texts != NULL; texts++) {
    put(to, *texts, strlen(*texts));
    put(to, "\n", 1);
  }
}

static void fill(int to, unsigned long left) {
  for (size_t i = 0; i < sizeof block; i++)
    block[i] = (char)(i ^ i >> 8);
  while (left > 0) {
    size_t now = left < sizeof block ? left : sizeof block;
    put(to, block, now);
    left -= now;
  }
}

static void copy(int from, int to) {
  ssize_t got;
  while ((got = read(from, block, sizeof block)) > 0)
    put(to, block, (size_t)got);
  if (got < 0)
    fail("cannot read", 4);
}

static char *following(char **option) {
  if (option[1] == NULL)
    fail("an option lacks its value", 2);
  return option[1];
}

int main(int argc, char **argv) {
  (void)argc;
  int from = 0, to = 1, status = 0, trap = 0;
  char **texts = NULL;
  const char *filling = NULL;
  for (char **option = argv + 1; *option != NULL; option++) {
    if (strcmp(*option, "--err") == 0)
      to = 2;
    else if (strcmp(*option, "--from") == 0)
      from = open(following(option++), O_RDONLY);
    else if (strcmp(*option, "--to") == 0)
      to = open(following(option++), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    else if (strcmp(*option, "--fill") == 0)
      filling = following(option++);
    else if (strcmp(*option, "--args") == 0) {
      texts = argv;
      while (option[1] != NULL)
        option++;
    } else if (strcmp(*option, "--env") == 0)
      texts = environ;
    else if (strcmp(*option, "--exit") == 0)
      status = atoi(following(option++));
    else if (strcmp(*option, "--trap") == 0)
      trap = 1;
    else
      fail("no such option", 2);
    if (from < 0 || to < 0)
      fail("cannot open", 5);
  }
  if (texts != NULL)
    lines(to, texts);
  else if (filling != NULL)
    fill(to, strtoul(filling, NULL, 10));
  else
    copy(from, to);
  if (trap)
    __builtin_trap();
  return status;
}
