#include "CResources.h"

// C23's #embed: the compiler reads the file itself and rebuilds this when it changes. A SwiftPM
// resource embedded in code would be a Swift array literal, which takes seconds to compile.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char openapi[] = {
#embed "../../openapi.yaml"
};
#pragma clang diagnostic pop

const unsigned char *torii_openapi_bytes(void) { return openapi; }

size_t torii_openapi_byte_count(void) { return sizeof openapi; }
