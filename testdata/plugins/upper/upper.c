// A plugin of the first contract, in C and without WASI: upper-cases its arguments.

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

bool exports_plugin_run(plugin_list_string_t *args, plugin_string_t *ret, plugin_string_t *err) {
  if (args->len == 0) {
    plugin_string_dup(err, "upper TEXT...");
    plugin_list_string_free(args);
    return false;
  }

  size_t len = args->len - 1;
  for (size_t i = 0; i < args->len; i++)
    len += args->ptr[i].len;

  uint8_t *out = ret->ptr = malloc(len);
  ret->len = len;
  for (size_t i = 0; i < args->len; i++) {
    if (i > 0)
      *out++ = ' ';
    for (size_t j = 0; j < args->ptr[i].len; j++)
      *out++ = toupper(args->ptr[i].ptr[j]);
  }
  plugin_list_string_free(args);
  return true;
}
