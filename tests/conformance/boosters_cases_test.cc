// SPDX-License-Identifier: Apache-2.0
// Models of XGBoost 0.4 to 1.4 and LightGBM 2 and 3 with the answers that these gave (Treelite's test files), within the digits that the
// answers are written with.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/text.h"
#include "cases.h"
#include "exec/session.h"
#include "formats/format.h"

namespace decant::conformance {
namespace {

struct Case {
  const char *model, *rows, *output, *expected;
  double missing;  // what a cell is that the sparse rows leave out
};
const double kNaN = std::numeric_limits<double>::quiet_NaN();
const Case kCases[] = {
    {"mushroom/mushroom.model", "mushroom/agaricus.test", "predict", "mushroom/agaricus.test.prob", kNaN},
    {"mushroom/mushroom.model", "mushroom/agaricus.test", "output_margin", "mushroom/agaricus.test.margin", kNaN},
    {"dermatology/dermatology.model", "dermatology/dermatology.test", "predict", "dermatology/dermatology.test.prob", kNaN},
    {"dermatology/dermatology.model", "dermatology/dermatology.test", "output_margin", "dermatology/dermatology.test.margin", kNaN},
    {"xgb_toy_categorical/xgb_toy_categorical_model.json", "xgb_toy_categorical/xgb_toy_categorical.test", "predict", "xgb_toy_categorical/xgb_toy_categorical.test.pred", kNaN},
    {"toy_categorical/toy_categorical_model.txt", "toy_categorical/toy_categorical.test", "predict", "toy_categorical/toy_categorical.test.pred", 0},
    // Not sparse_categorical: of its three recorded answers LightGBM 2.3 and 4.7 themselves, like decant, give one otherwise.
};

/// Rows "label index:value index:value …" as a matrix.
Tensor dense(const std::string& path, std::int64_t width, double missing) {
  std::vector<double> cells;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;  // the label
    const std::size_t begin = cells.size();
    cells.resize(begin + static_cast<std::size_t>(width), missing);
    while (words >> word) {
      const std::size_t colon = word.find(':');
      const std::size_t column = std::stoul(word.substr(0, colon));
      if (column < static_cast<std::size_t>(width)) cells[begin + column] = std::stod(word.substr(colon + 1));
    }
  }
  return Tensor::of<double>({static_cast<std::int64_t>(cells.size()) / width, width}, cells);
}

TEST(Boosters, AnswerAsTheirLibrariesDid) {
  const std::string folder = cases("treelite/tests/examples");
  if (folder.empty()) GTEST_SKIP() << "the test files of Treelite are not there";
  std::size_t compared = 0;
  for (const Case& c : kCases) {
    const auto model = std::make_shared<const Model>(read_model(Source::open(folder + "/" + c.model)));
    const Tensor x = dense(folder + "/" + c.rows, model->signature.inputs[0].type.shape[1].value, c.missing);
    const std::vector<std::string> names{c.output};
    const std::vector<Tensor> inputs{x};
    const Tensor got = Session(model).run(inputs, names)[0];
    std::ifstream in(folder + "/" + c.expected);
    std::vector<double> want;
    for (double v; in >> v;) want.push_back(v);
    ASSERT_EQ(got.size(), want.size()) << c.model << " " << c.output;
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_NEAR(got.number(i), want[i], 2e-6 * std::max(1.0, std::fabs(want[i]))) << c.model << " " << c.output << "[" << i << "]";
    }
    compared += want.size();
  }
  std::printf("%zu models, %zu answers compared\n", std::size(kCases), compared);
}

}  // namespace
}  // namespace decant::conformance
