// SPDX-License-Identifier: Apache-2.0
#include "frameworks/pickled.h"

#include "frameworks/lightgbm/pickled.h"
#include "frameworks/sklearn/sklearn.h"
#include "frameworks/xgboost/pickled.h"

namespace decant {

Model read_object(const python::Object& root) {
  if (xgboost::is_booster(root)) return xgboost::read(xgboost::booster_of(root));
  if (lightgbm::is_booster(root)) return lightgbm::read(lightgbm::booster_of(root));
  return sklearn::read(root);
}

Model read_pickled(const Source& stream) {
  Cursor cursor(stream);
  const pickle::Tree tree = pickle::parse(cursor, python::pickle_options());
  Model model = read_object({tree, tree.root});
  if (!cursor.at_end()) model.notes.push_back("bytes follow the pickle; they were not read");
  return model;
}

}  // namespace decant
