// A plugin that targets my:cli/plugin@0.2.0 and never returns: it uses up time, or memory.

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define COMMANDS 2

static const char *const commands[COMMANDS][2] = {
    {"spin", "Loops for ever"},
    {"grow", "Takes memory until there is none left, and traps"},
};

void exports_plugin_commands(plugin_list_command_t *ret) {
  ret->ptr = calloc(COMMANDS, sizeof *ret->ptr);
  ret->len = COMMANDS;
  for (size_t i = 0; i < COMMANDS; i++) {
    plugin_string_dup(&ret->ptr[i].name, commands[i][0]);
    plugin_string_dup(&ret->ptr[i].summary, commands[i][1]);
  }
}

static bool is(const plugin_string_t *s, const char *word) {
  return s->len == strlen(word) && memcmp(s->ptr, word, s->len) == 0;
}

_Noreturn static void spin(void) {
  for (volatile unsigned turns = 0;; turns++)
    ;
}

_Noreturn static void grow(void) {
  enum { BLOCK = 1 << 20 };
  // Volatile, or the compiler sees that nobody reads the blocks and leaves them out.
  for (volatile char *block; (block = malloc(BLOCK)) != NULL;)
    for (size_t i = 0; i < BLOCK; i += 4096)
      block[i] = 1;
  __builtin_trap();
}

bool exports_plugin_run(plugin_string_t *cmd, plugin_list_string_t *args, plugin_output_t *ret,
                        plugin_error_t *err) {
  (void)ret;
  if (is(cmd, "spin"))
    spin();
  if (is(cmd, "grow"))
    grow();
  err->tag = PLUGIN_ERROR_UNKNOWN_COMMAND;
  err->val.unknown_command = *cmd;
  plugin_list_string_free(args);
  return false;
}
