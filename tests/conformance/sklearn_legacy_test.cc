// SPDX-License-Identifier: Apache-2.0
// Pipelines of sklearn2pmml and scikit-learn 0.18 to 1.9 (JPMML-SkLearn's test files): the target column must be equal, probability(c) and
// regression values within 1e-9.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "cases.h"
#include "data/data.h"
#include "exec/session.h"
#include "formats/format.h"

namespace decant::conformance {
namespace {

struct Case {
  std::string model, input, expected;
};

std::vector<Case> read_cases(const std::string& folder) {
  std::vector<Case> out;
  std::ifstream in(folder + "/cases.tsv");
  std::string line;
  std::getline(in, line);  // the header
  while (std::getline(in, line)) {
    std::istringstream row(line);
    std::string version;
    Case c;
    std::getline(row, version, '\t');
    std::getline(row, c.model, '\t');
    std::getline(row, c.input, '\t');
    std::getline(row, c.expected, '\t');
    out.push_back(std::move(c));
  }
  return out;
}

bool near(double got, double want) { return std::fabs(got - want) <= 1e-9 * std::max(1.0, std::fabs(want)); }
double real(std::string_view cell) { return std::strtod(std::string(cell).c_str(), nullptr); }

/// The input rows that the expected file answers. One of them leaves out the rows that repeat an earlier one.
std::vector<std::size_t> answered_rows(const Frame& input, std::size_t expected) {
  std::vector<std::size_t> out;
  std::set<std::vector<std::string_view>> seen;
  for (std::size_t r = 0; r < input.rows; ++r) {
    const auto row = input.cells.begin() + static_cast<std::ptrdiff_t>(r * input.width);
    const bool fresh = seen.insert({row, row + static_cast<std::ptrdiff_t>(input.width)}).second;
    if (fresh || input.rows == expected) out.push_back(r);
  }
  return out;
}

/// What is wrong, or "".
std::string check(const std::string& folder, const Case& c) {
  const auto model = std::make_shared<const Model>(read_model(Source::open(folder + "/" + c.model)));
  const Source table = Source::open(folder + "/" + c.expected), given = Source::open(folder + "/" + c.input);
  const Frame want = read_csv(table, true);
  const std::vector<std::size_t> rows = answered_rows(read_csv(given, true), want.rows);
  if (rows.size() != want.rows) return format("{} rows of input, {} expected", rows.size(), want.rows);

  std::vector<std::string> names{"predict"};
  const bool probable = std::ranges::any_of(want.names, [](const std::string& n) { return n.starts_with("probability("); });
  if (probable) names.emplace_back("predict_proba");
  const std::vector<Tensor> got = Session(model, {}).run(read_inputs(folder + "/" + c.input, model->signature), names);
  const auto& columns = std::ranges::find(model->signature.outputs, names.back(), &Output::name)->columns;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::string_view label = want.cell(r, 0);
    const Tensor& y = got[0];
    const bool same = y.dtype() == DType::string ? y.data<std::string>()[rows[r]] == label : near(y.number(rows[r]), real(label));
    if (!same) return format("row {}: {} instead of {}", r + 1, y.dtype() == DType::string ? y.data<std::string>()[rows[r]] : number_text(y.number(rows[r])), label);
    for (std::size_t k = 1; probable && k < want.width; ++k) {
      const std::string& name = want.names[k];
      const auto at = static_cast<std::size_t>(std::ranges::find(columns, name.substr(12, name.size() - 13)) - columns.begin());
      if (!name.starts_with("probability(") || at == columns.size()) return format("no probability for the column {}", name);
      const double p = got[1].number(rows[r] * columns.size() + at);
      if (!near(p, real(want.cell(r, k)))) return format("row {}, {}: {} instead of {}", r + 1, name, number_text(p), want.cell(r, k));
    }
  }
  return {};
}

TEST(SklearnLegacy, GivesTheAnswersOfEveryVersionSince018) {
  const std::string folder = cases("sklearn-legacy");
  if (folder.empty()) GTEST_SKIP() << "SKIPPED: there is no sklearn-legacy at $DECANT_CASES";
  const std::vector<Case> all = read_cases(folder);
  ASSERT_FALSE(all.empty());
  for (const Case& c : all) {
    try {
      EXPECT_EQ(check(folder, c), "") << c.model;
    } catch (const Error& e) {
      ADD_FAILURE() << c.model << ": " << e.what();
    }
  }
  std::printf("             used %zu pipelines\n", all.size());
}

}  // namespace
}  // namespace decant::conformance
