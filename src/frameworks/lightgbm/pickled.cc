// SPDX-License-Identifier: Apache-2.0
#include "frameworks/lightgbm/pickled.h"

#include "base/text.h"
#include "frameworks/known.h"

namespace decant::lightgbm {

bool is_booster(const python::Object& object) {
  return object.is_instance() && object.name() == "Booster" && is_genuine("lightgbm", object.module(), object.name());
}

const Booster& booster_of(const python::Object& object) {
  if (!is_booster(object)) object.fail(Code::unsupported, format("holds {} where a Booster of LightGBM is expected", object.is_none() ? "nothing (is it fitted?)" : object.full_name()));
  std::shared_ptr<const void>& made = object.tree().meanings[&object.node()];
  if (made == nullptr) {
    const python::Object handle = object.any({"_handle", "handle"});
    if (!handle.is_text()) object.fail(Code::corrupt, "the Booster's handle holds no text");
    auto booster = std::make_shared<Booster>(parse(object.tree().source.member("Booster", object.tree().blob_of(handle.node()))));
    // LGBM_BoosterPredict is asked for the best iteration where there is one (Booster.predict in basic.py).
    if (object.set("best_iteration") && object["best_iteration"].is_number()) booster->best_iteration = object["best_iteration"].integer();
    made = std::move(booster);
  }
  return *static_cast<const Booster*>(made.get());
}

}  // namespace decant::lightgbm
