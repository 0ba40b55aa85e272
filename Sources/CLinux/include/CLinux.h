#pragma once
// What Glibc's module map leaves out: these need _GNU_SOURCE or are not in the modulemap.
