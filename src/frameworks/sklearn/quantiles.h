// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frameworks/sklearn/sklearn.h"

namespace decant::sklearn {

Expr power_inverse(Context& context, const Object& self, Expr y);
Expr quantile_inverse(Context& context, const Object& self, Expr y);

}  // namespace decant::sklearn
