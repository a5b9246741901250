// A plugin that misses my:cli/plugin@0.2.0 by one type: its exit code is signed.

#include <stdlib.h>

#include "plugin.h"

void exports_plugin_commands(plugin_list_command_t *ret) {
  ret->ptr = malloc(sizeof *ret->ptr);
  ret->len = 1;
  plugin_string_dup(&ret->ptr->name, "minus");
  plugin_string_dup(&ret->ptr->summary, "Exits with -1");
}

bool exports_plugin_run(plugin_string_t *cmd, plugin_list_string_t *args, plugin_output_t *ret,
                        plugin_error_t *err) {
  (void)err;
  plugin_string_dup(&ret->stdout_, "");
  plugin_string_dup(&ret->stderr_, "");
  ret->exit_code = -1;
  plugin_string_free(cmd);
  plugin_list_string_free(args);
  return true;
}
