// SPDX-License-Identifier: Apache-2.0
// SecondsOfDate, TextEdit, CategoryHash, StringConcat and Require, as a session runs them.
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

Tensor seconds(const std::vector<std::string>& rows) {
  return run(rows, [](Expr x) { return apply("decant", "SecondsOfDate", {x}); });
}

TEST(Texts, DatesAreSecondsSince1970) {
  const Tensor out = seconds({"1970-01-01", "1977-01-01", "1969-12-31", "2000-02-29", "0001-01-01", "1969-12-31T23:59:59", "2024-02-29 12:34", "2024-02-29 12:34:56.999"});
  // numpy.datetime64(…, "s").astype(int)
  const std::vector<std::int64_t> want{0, 220924800, -86400, 951782400, -62135596800, -1, 1709210040, 1709210096};
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_EQ(out.integer(i), want[i]) << i;
  EXPECT_EQ(seconds({}).size(), 0u);
  for (const char* bad : {"", "1970", "1970-1-01", "1970-13-01", "1900-02-29", "1970/01/01", "1970-01-01T", "1970-01-01T24:00", "1970-01-01T10:60", "1970-01-01T10:00:00Z", "1970-01-01T10:00:00."}) {
    EXPECT_THROW(seconds({bad}), Error) << bad;
  }
}

std::vector<std::string> edited(const std::vector<std::string>& rows, const Attributes& attributes) {
  const Tensor out = run(rows, [&](Expr x) { return apply("decant", "TextEdit", {x}, attributes); });
  if (out.dtype() == DType::string) return {out.data<std::string>().begin(), out.data<std::string>().end()};
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < out.size(); ++i) texts.push_back(std::to_string(out.integer(i)));
  return texts;
}

TEST(Texts, AreEditedAsPythonDoes) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(edited({"AbÇ", "ΑΣ"}, {{"edit", "lower"}}), (Texts{"abç", "ας"}));
  EXPECT_EQ(edited({"abç ÿ"}, {{"edit", "upper"}}), (Texts{"ABÇ Ÿ"}));
  EXPECT_THROW(edited({"straße"}, {{"edit", "upper"}}), Error);
  EXPECT_EQ(edited({" \ta b\u2003", "", "  "}, {{"edit", "strip"}}), (Texts{"a b", "", ""}));
  EXPECT_EQ(edited({"äbcd", "ä", ""}, {{"edit", "slice"}, {"begin", std::int64_t{1}}, {"end", std::int64_t{3}}}), (Texts{"bc", "", ""}));
  EXPECT_EQ(edited({"äbc", ""}, {{"edit", "length"}}), (Texts{"3", "0"}));
  // re.sub("x*", "-", "abxd") and what surrounds it
  EXPECT_EQ(edited({"abxd", ""}, {{"edit", "replace"}, {"pattern", "x*"}, {"replacement", "-"}}), (Texts{"-a-b--d-", "-"}));
  EXPECT_EQ(edited({"a1b22", "ab"}, {{"edit", "replace"}, {"pattern", "([0-9])+"}, {"replacement", ""}}), (Texts{"ab", "ab"}));
  EXPECT_EQ(edited({"cat", "concat", "dog"}, {{"edit", "contains"}, {"pattern", "^c(a|o)"}}), (Texts{"1", "1", "0"}));
  EXPECT_THROW(edited({"a"}, {{"edit", "turn"}}), Error);
  EXPECT_THROW(edited({"a"}, {{"edit", "slice"}, {"begin", std::int64_t{-1}}, {"end", std::int64_t{3}}}), Error);
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
