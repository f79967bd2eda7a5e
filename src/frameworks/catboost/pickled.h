// SPDX-License-Identifier: Apache-2.0
// A pickled estimator of CatBoost (CatBoost.__getstate__ in catboost/core.py): its parameters, and the bytes of a .cbm file.
#pragma once

#include "frameworks/catboost/booster.h"
#include "frameworks/python/object.h"

namespace decant::catboost {

/// Parsed once for each object.
const Booster& booster_of(const python::Object& estimator);

}  // namespace decant::catboost
