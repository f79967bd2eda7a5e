// SPDX-License-Identifier: Apache-2.0
// The one symbol that decant_images.so shows.
#include "image_codecs/api.h"

extern "C" __attribute__((visibility("default"))) const decant_image_api* decant_images(void) { return &decant::images::api(); }
