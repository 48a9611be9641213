// The two tables of base64, for the backends that look characters and values up in them.

#ifndef AK_BASE64_TABLES_H
#define AK_BASE64_TABLES_H

#include <stdint.h>

// The character of a value, 0...63, and a zero. Aligned to a line of the cache.
extern const uint8_t ak_base64_alphabet[65];

// The value of a character, or AK_BASE64_BAD for what is not in the alphabet. Aligned to a line of the cache.
extern const uint8_t ak_base64_values[256];

// A bit that no value has.
#define AK_BASE64_BAD 0x80

#endif
