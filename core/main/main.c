/* SPDX-License-Identifier: Apache-2.0 */
#include "main/gantryd.h"

int main(int argc, char **argv)
{
    return gy_gantryd_main(argc, argv);
}
