// SPDX-License-Identifier: Apache-2.0
#include "frameworks/pickled.h"

#include "frameworks/sklearn/sklearn.h"

namespace decant {

Model read_pickled(const Source& stream) {
  Cursor cursor(stream);
  const pickle::Tree tree = pickle::parse(cursor, python::pickle_options());
  Model model = sklearn::read({tree, tree.root});
  if (!cursor.at_end()) model.notes.push_back("bytes follow the pickle; they were not read");
  return model;
}

}  // namespace decant
