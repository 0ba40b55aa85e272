// Everything CKernels offers. Each header can be included alone.
#pragma once

#include "isa.h"
#include "matmul.h"
#include "probes.h"
#include "sampling.h"
