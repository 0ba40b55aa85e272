#pragma once
#include <stddef.h>

// Files of the repository that the executable carries, so that an installed binary needs nothing
// beside it.

// openapi.yaml as it stands at the top of the repository, without a final NUL.
const unsigned char *torii_openapi_bytes(void);
size_t torii_openapi_byte_count(void);
