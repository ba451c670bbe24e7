/* SPDX-License-Identifier: Apache-2.0 */
#include "model/key.h"

#include <stdio.h>

void gy_key_app(const char *ns, const char *project, const char *app, char out[GY_KEY_MAX])
{
    snprintf(out, GY_KEY_MAX, GY_KEY_APP "%s/%s/%s", ns, project, app);
}

void gy_key_of(const char *prefix, const char *name, char out[GY_KEY_MAX])
{
    snprintf(out, GY_KEY_MAX, "%s%s", prefix, name);
}
