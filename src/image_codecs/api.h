// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "images/image_api.h"

namespace decant::images {

/// What the module gives away; for the fuzz target, which links the codecs themselves.
const decant_image_api& api();

}  // namespace decant::images
