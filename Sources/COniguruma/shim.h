#pragma once
#include <oniguruma.h>

// Global variables, and a function with a variable number of arguments, which Swift does not import.
static inline OnigEncoding coniguruma_utf8(void) { return ONIG_ENCODING_UTF8; }
static inline OnigSyntaxType *coniguruma_syntax(void) { return ONIG_SYNTAX_ONIGURUMA; }
static inline int coniguruma_message(OnigUChar *text, int code, OnigErrorInfo *about) {
  return onig_error_code_to_str(text, code, about);
}
