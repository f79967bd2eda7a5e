// SPDX-License-Identifier: Apache-2.0
#include "frameworks/catboost/pickled.h"

#include "frameworks/python/objects.h"

namespace decant::catboost {

const Booster& booster_of(const python::Object& estimator) {
  std::shared_ptr<const void>& made = estimator.tree().meanings[&estimator.node()];
  if (made == nullptr) {
    const auto held = estimator.find("__model");
    if (!held) estimator.fail(Code::unsupported, "holds no model (is it fitted?)");
    const auto bytes = python::bytes_of(held->node(), estimator.tree().source, estimator.tree().owner);
    if (!bytes) estimator.fail(Code::corrupt, "__model holds no bytes");
    made = std::make_shared<Booster>(parse(estimator.tree().source.member("__model", *bytes)));
  }
  return *static_cast<const Booster*>(made.get());
}

}  // namespace decant::catboost
