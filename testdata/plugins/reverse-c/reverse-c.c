// A plugin of the first contract in C: joins its arguments and reverses the text by characters.

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

// The bytes of a character that follow its first one; the host hands over valid UTF-8 only.
static bool continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

bool exports_plugin_run(plugin_list_string_t *args, plugin_string_t *ret, plugin_string_t *err) {
  if (args->len == 0) {
    plugin_string_dup(err, "reverse TEXT...");
    plugin_list_string_free(args);
    return false;
  }

  size_t len = args->len - 1;
  for (size_t i = 0; i < args->len; i++)
    len += args->ptr[i].len;

  // Written from its end, character by character.
  uint8_t *out = (ret->ptr = malloc(len)) + len;
  ret->len = len;
  for (size_t i = 0; i < args->len; i++) {
    if (i > 0)
      *--out = ' ';
    const plugin_string_t *arg = &args->ptr[i];
    for (size_t start = 0, end; start < arg->len; start = end) {
      for (end = start + 1; end < arg->len && continues(arg->ptr[end]); end++)
        ;
      out -= end - start;
      memcpy(out, arg->ptr + start, end - start);
    }
  }
  plugin_list_string_free(args);
  return true;
}
