// SPDX-License-Identifier: Apache-2.0
// A Booster inside a pickle.
#pragma once

#include "frameworks/python/object.h"
#include "frameworks/xgboost/booster.h"

namespace decant::xgboost {

bool is_booster(const python::Object& object);
/// Made once for each object, however often it is asked for.
const Booster& booster_of(const python::Object& object);

}  // namespace decant::xgboost
