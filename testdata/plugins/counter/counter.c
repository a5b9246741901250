// A plugin of pato:platform in C that counts in the host's storage: `!count` adds one and tells the chat,
// `!forget` begins anew. It opens its bucket when it first needs it, and keeps the handle until it is shut
// down.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform_plugin.h"

typedef exports_pato_platform_plugin_plugin_error_t plugin_error;
typedef pato_platform_storage_storage_error_t storage_error;
typedef pato_platform_platform_api_chat_error_t chat_error;

static bool running;
static bool opened;
static pato_platform_storage_own_bucket_t bucket;

void exports_pato_platform_plugin_permissions(exports_pato_platform_plugin_list_permission_t *ret) {
  ret->ptr = malloc(ret->len = 2);
  ret->ptr[0] = PATO_PLATFORM_TYPES_PERMISSION_CHAT;
  ret->ptr[1] = PATO_PLATFORM_TYPES_PERMISSION_STORAGE;
}

bool exports_pato_platform_plugin_init(platform_plugin_list_tuple2_string_string_t *settings,
                                       plugin_error *err) {
  if (settings->len > 0) {
    err->tag = PATO_PLATFORM_TYPES_PLUGIN_ERROR_BAD_SETTING;
    // The name goes back to where it came from.
    err->val.bad_setting.f0 = settings->ptr[0].f0;
    platform_plugin_string_dup(&err->val.bad_setting.f1, "there are no settings");
    return false;
  }
  return running = true;
}

void exports_pato_platform_plugin_shutdown(void) {
  if (opened)
    pato_platform_storage_bucket_drop_own(bucket);
  running = opened = false;
}

static bool refused(plugin_error *err, const char *words) {
  err->tag = PATO_PLATFORM_TYPES_PLUGIN_ERROR_REFUSED;
  platform_plugin_string_dup(&err->val.refused, words);
  return false;
}

static bool storage_refused(plugin_error *err, const storage_error *why) {
  switch (why->tag) {
  case PATO_PLATFORM_STORAGE_STORAGE_ERROR_FULL:
    return refused(err, "the storage is full");
  case PATO_PLATFORM_STORAGE_STORAGE_ERROR_BUSY:
    return refused(err, "the storage is busy");
  default:
    return refused(err, "no storage");
  }
}

// What is stored is the user's to read and write, so it is not believed.
static bool read_count(const platform_plugin_string_t *text, unsigned *count) {
  *count = 0;
  for (size_t i = 0; i < text->len; i++) {
    unsigned digit = text->ptr[i] - '0';
    if (digit > 9 || __builtin_mul_overflow(*count, 10, count) ||
        __builtin_add_overflow(*count, digit, count))
      return false;
  }
  return text->len > 0;
}

static bool forget(plugin_error *err) {
  platform_plugin_string_t key;
  platform_plugin_string_set(&key, "count");
  storage_error why;
  return pato_platform_storage_method_bucket_delete(pato_platform_storage_borrow_bucket(bucket), &key,
                                                    &why) ||
         storage_refused(err, &why);
}

static bool count(pato_platform_types_chat_message_t *message, plugin_error *err) {
  pato_platform_storage_borrow_bucket_t store = pato_platform_storage_borrow_bucket(bucket);
  platform_plugin_string_t key;
  platform_plugin_string_set(&key, "count");

  storage_error why;
  platform_plugin_option_string_t stored;
  if (!pato_platform_storage_method_bucket_get(store, &key, &stored, &why))
    return storage_refused(err, &why);
  unsigned before = 0;
  if (stored.is_some) {
    bool is_number = read_count(&stored.val, &before);
    platform_plugin_string_free(&stored.val);
    if (!is_number)
      return refused(err, "what is stored is no number");
  }

  char digits[16], line[48];
  snprintf(digits, sizeof digits, "%u", before + 1);
  snprintf(line, sizeof line, "counted to %s", digits);
  platform_plugin_string_t value, text;
  platform_plugin_string_set(&value, digits);
  if (!pato_platform_storage_method_bucket_set(store, &key, &value, &why))
    return storage_refused(err, &why);

  platform_plugin_string_set(&text, line);
  pato_platform_platform_api_receipt_t receipt;
  chat_error silence;
  return pato_platform_platform_api_send_chat_message(&message->platform, &message->channel, &text,
                                                      &receipt, &silence) ||
         refused(err, "no chat");
}

static bool is(const platform_plugin_string_t *text, const char *word) {
  return text->len == strlen(word) && memcmp(text->ptr, word, text->len) == 0;
}

static bool handle(exports_pato_platform_plugin_event_t *event,
                   exports_pato_platform_plugin_outcome_t *ret, plugin_error *err) {
  if (!running) {
    err->tag = PATO_PLATFORM_TYPES_PLUGIN_ERROR_NOT_RUNNING;
    return false;
  }

  *ret = PATO_PLATFORM_TYPES_OUTCOME_IGNORED;
  if (event->tag != PATO_PLATFORM_TYPES_EVENT_MESSAGE)
    return true;
  pato_platform_types_chat_message_t *message = &event->val.message;
  bool counts = is(&message->text, "!count");
  if (!counts && !is(&message->text, "!forget"))
    return true;

  *ret = PATO_PLATFORM_TYPES_OUTCOME_HANDLED;
  if (!opened) {
    platform_plugin_string_t name;
    platform_plugin_string_set(&name, "counter");
    storage_error why;
    if (!pato_platform_storage_static_bucket_open(&name, &bucket, &why))
      return storage_refused(err, &why);
    opened = true;
  }
  return counts ? count(message, err) : forget(err);
}

bool exports_pato_platform_plugin_handle_event(exports_pato_platform_plugin_event_t *event,
                                               exports_pato_platform_plugin_outcome_t *ret,
                                               plugin_error *err) {
  bool done = handle(event, ret, err);
  exports_pato_platform_plugin_event_free(event);
  return done;
}
