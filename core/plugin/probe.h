/* SPDX-License-Identifier: Apache-2.0 */
/* What gantry-plugin-probe and the loader say to each other. */
#ifndef GY_PLUGIN_PROBE_H
#define GY_PLUGIN_PROBE_H

#define GY_PROBE_OK 0
#define GY_PROBE_NOT_LOADED 11 /* standard output: what the dynamic linker said */
#define GY_PROBE_NO_ENTRY 12
#define GY_PROBE_ANSWER                                                                            \
    "loaded" /* on standard output, so that an exit(0) in a constructor is seen */

#endif
