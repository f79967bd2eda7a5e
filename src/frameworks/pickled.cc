// SPDX-License-Identifier: Apache-2.0
#include "frameworks/pickled.h"

#include "frameworks/lightgbm/pickled.h"
#include "frameworks/sklearn/sklearn.h"
#include "frameworks/xgboost/pickled.h"

namespace decant {

Model read_pickled(const Source& stream) {
  Cursor cursor(stream);
  const pickle::Tree tree = pickle::parse(cursor, python::pickle_options());
  const python::Object root(tree, tree.root);
  Model model = xgboost::is_booster(root)    ? xgboost::read(xgboost::booster_of(root))
                : lightgbm::is_booster(root) ? lightgbm::read(lightgbm::booster_of(root))
                                             : sklearn::read(root);
  if (!cursor.at_end()) model.notes.push_back("bytes follow the pickle; they were not read");
  return model;
}

}  // namespace decant
