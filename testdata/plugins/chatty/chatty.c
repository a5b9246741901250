// A plugin that exports all of my:cli/plugin@0.2.0, but talks to a chat that the host does not have.

#include <stdlib.h>

#include "plugin.h"

void exports_plugin_commands(plugin_list_command_t *ret) {
  ret->ptr = malloc(sizeof *ret->ptr);
  ret->len = 1;
  plugin_string_dup(&ret->ptr->name, "say");
  plugin_string_dup(&ret->ptr->summary, "Says each argument in the chat");
}

bool exports_plugin_run(plugin_string_t *cmd, plugin_list_string_t *args, plugin_output_t *ret,
                        plugin_error_t *err) {
  plugin_string_t channel;
  plugin_string_set(&channel, "general");

  bool sent = true;
  for (size_t i = 0; sent && i < args->len; i++)
    sent = my_chat_messages_send(&channel, &args->ptr[i], &err->val.failed);

  if (sent) {
    plugin_string_dup(&ret->stdout_, "");
    plugin_string_dup(&ret->stderr_, "");
    ret->exit_code = 0;
  } else {
    err->tag = PLUGIN_ERROR_FAILED;
  }
  plugin_string_free(cmd);
  plugin_list_string_free(args);
  return sent;
}
