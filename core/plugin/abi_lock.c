/* SPDX-License-Identifier: Apache-2.0 */
/* The accepted ABI, checked by the compiler in every build. */
#include "../../sdk/abi/lock.h"

GANTRY_LOCK(GANTRY_ABI_MAJOR(GANTRY_ABI_CURRENT) == 0);
