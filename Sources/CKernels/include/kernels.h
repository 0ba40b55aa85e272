// Everything CKernels offers. Each header can be included alone.
#pragma once

#include "isa.h"
#include "matmul.h"
#include "ops.h"
#include "probes.h"
#include "program.h"
#include "sampling.h"
#include "thread_pool.h"
