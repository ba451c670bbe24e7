/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an object of the API, the store or a peer: what is accepted is written and read
 * again as the same object.  The first byte says which object, and from whom. */
#include "model/app.h"
#include "model/event.h"
#include "model/node.h"
#include "model/pod.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct gy_shape *const shapes[] = {&gy_app_shape,         &gy_pod_shape,
                                                    &gy_pod_status_shape,  &gy_node_spec_shape,
                                                    &gy_node_report_shape, &gy_event_shape};
    if (len < 1) return 0;
    const struct gy_shape *shape = shapes[bytes[0] / 2 % (sizeof shapes / sizeof *shapes)];
    enum gy_strictness from = bytes[0] % 2 ? GY_FROM_PEER : GY_FROM_USER;
    void *object = gy_alloc(shape->size), *again = gy_alloc(shape->size);
    struct gy_error err = GY_ERROR_INIT;
    if (gy_shape_decode_text(shape, (const char *)bytes + 1, len - 1, from, object, &err) ==
        GANTRY_OK) {
        gy_autofree char *text = gy_shape_encode_text(shape, object);
        GY_ASSERT(gy_shape_decode_text(shape, text, strlen(text), GY_FROM_PEER, again, NULL) ==
                  GANTRY_OK);
        GY_ASSERT(gy_shape_equal(shape, object, again));
        gy_shape_fini(shape, object);
        gy_shape_fini(shape, again);
    } else {
        GY_ASSERT(err.text[0]);
    }
    free(object);
    free(again);
    return 0;
}
