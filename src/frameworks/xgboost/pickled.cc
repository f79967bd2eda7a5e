// SPDX-License-Identifier: Apache-2.0
#include "frameworks/xgboost/pickled.h"

#include "base/text.h"
#include "frameworks/known.h"
#include "frameworks/python/objects.h"

namespace decant::xgboost {

bool is_booster(const python::Object& object) {
  return object.is_instance() && object.name() == "Booster" && is_genuine("xgboost", object.module(), object.name());
}

const Booster& booster_of(const python::Object& object) {
  if (!is_booster(object)) object.fail(Code::unsupported, format("holds {} where a Booster of XGBoost is expected", object.is_none() ? "nothing (is it fitted?)" : object.full_name()));
  std::shared_ptr<const void>& made = object.tree().meanings[&object.node()];
  if (made == nullptr) {
    const python::Object handle = object["handle"];
    const std::optional<Blob> bytes = handle.is_none() ? std::nullopt : python::bytes_of(handle.node(), object.tree().source, object.tree().owner);
    if (!bytes) object.fail(Code::corrupt, "the Booster's handle holds no bytes");
    auto booster = std::make_shared<Booster>(parse(object.tree().source.member("Booster", *bytes)));
    // Up to 1.3 names and types were attributes of the object alone.
    const auto texts = [&](const char* name, std::vector<std::string>& to) {
      if (!to.empty() || !object.set(name) || !object[name].is_sequence()) return;
      for (const python::Object& item : object[name].elements()) to.push_back(item.text());
    };
    texts("feature_names", booster->feature_names);
    texts("feature_types", booster->feature_types);
    if (booster->feature_names.size() != static_cast<std::size_t>(booster->num_feature)) booster->feature_names.clear();
    made = std::move(booster);
  }
  return *static_cast<const Booster*>(made.get());
}

}  // namespace decant::xgboost
