// What AddressSanitizer does not look for: leaks, for a worker that is locked in
// must not trace itself.
//
// Tests/run sanitize-address links it into everything: workers inherit no variables.
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
