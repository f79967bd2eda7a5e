// SPDX-License-Identifier: Apache-2.0
// DaysOfDate, CategoryHash, StringConcat and Require, as a session runs them.
#include <gtest/gtest.h>

#include "exec/session.h"
#include "ops/expr.h"

namespace decant {
namespace {

/// `build` of one column of texts, for these rows.
template <class Build>
Tensor run(const std::vector<std::string>& rows, Build build) {
  Builder b;
  auto model = std::make_shared<Model>();
  const Type type = Type::tensor(DType::string, {{-1, "N"}, {1, {}}});
  model->signature.inputs.push_back({"x", type, {}});
  const Expr out = build(Expr(b, b.input("x", type)));
  b.output(out.id(), "out");
  model->signature.outputs.push_back({"out", out.type(), {}});
  model->graph = b.finish("test");
  const std::vector<Tensor> inputs{Tensor::of<std::string>({static_cast<std::int64_t>(rows.size()), 1}, rows)};
  return Session(model).run(inputs)[0];
}

Tensor days(const std::vector<std::string>& rows) {
  return run(rows, [](Expr x) { return apply("decant", "DaysOfDate", {x}); });
}

TEST(Texts, DatesAreDaysSince1970) {
  const Tensor out = days({"1970-01-01", "1977-01-01", "1969-12-31", "2000-02-29", "0001-01-01"});
  const std::vector<std::int64_t> want{0, 2557, -1, 11016, -719162};  // numpy.datetime64(…, "D").astype(int)
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_EQ(out.integer(i), want[i]);
  EXPECT_EQ(days({}).size(), 0u);
  for (const char* bad : {"", "1970", "1970-1-01", "1970-13-01", "1900-02-29", "1970/01/01", "1970-01-01T"}) EXPECT_THROW(days({bad}), Error) << bad;
}

TEST(Texts, AreHashedAsCatBoostDoes) {
  // The hashes that CatBoost 1.2.10 lists (save_model with a pool); every length of text that is hashed in a way of its own.
  const std::vector<std::pair<std::size_t, std::int64_t>> known{{1, 1076941191},   {3, -1848543841},  {4, -1659182040},  {7, 434377709},    {8, 1455735286},   {9, 264526623},
                                                                {16, 1318646574},  {17, -1169432429}, {31, 482360765},  {32, 177253753},   {33, 2044089651},  {63, 1383300614},
                                                                {64, -322073438},  {65, -556030714},  {128, -53693400}, {129, -1035889723}, {190, 267072675}};
  std::vector<std::string> texts;
  for (const auto& [size, hash] : known) {
    std::string& text = texts.emplace_back();
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + (size * 7 + i * 3) % 26);
  }
  const Tensor out = run(texts, [](Expr x) { return apply("decant", "CategoryHash", {x}); });
  for (std::size_t i = 0; i < known.size(); ++i) EXPECT_EQ(out.integer(i), known[i].second) << known[i].first;
}

TEST(Texts, AreJoined) {
  const Tensor out = run({"a", ""}, [](Expr x) { return apply("StringConcat", {apply("StringConcat", {x, x.constant(Tensor::scalar(std::string("/")))}), x}); });
  EXPECT_EQ(out.data<std::string>()[0], "a/a");
  EXPECT_EQ(out.data<std::string>()[1], "/");
}

TEST(Texts, ThatAreNotAllowedAreRefused) {
  const auto required = [](Expr x) { return apply("decant", "Require", {x, equal(x, x.constant(Tensor::scalar(std::string("a"))))}, {{"message", std::string("not an a")}}); };
  EXPECT_EQ(run({"a", "a"}, required).size(), 2u);
  try {
    run({"a", "b"}, required);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("mismatch: "), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("not an a"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace decant
