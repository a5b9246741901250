// A plugin that exports only one half of my:cli/plugin@0.2.0: it runs, but cannot list its commands.

#include "plugin.h"

bool exports_plugin_run(plugin_string_t *cmd, plugin_list_string_t *args, plugin_output_t *ret,
                        plugin_error_t *err) {
  (void)err;
  plugin_string_dup(&ret->stdout_, "done\n");
  plugin_string_dup(&ret->stderr_, "");
  ret->exit_code = 0;
  plugin_string_free(cmd);
  plugin_list_string_free(args);
  return true;
}
