// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/expression.h"

#include <gtest/gtest.h>

#include "exec/session.h"

namespace decant::sklearn {
namespace {

/// The value of `text` for three rows of a = (-7, 2, 3), b = (2, 4, -2) and c = ("x", "y", "").
Tensor value(std::string_view text) {
  Builder b;
  auto model = std::make_shared<Model>();
  std::vector<Table> columns;
  const auto add = [&](const char* name, DType dtype) {
    const Type type = Type::tensor(dtype, {{-1, "N"}, {1, {}}});
    model->signature.inputs.push_back({name, type, {}});
    columns.emplace_back(Expr(b, b.input(name, type)), std::vector<std::string>{name});
  };
  add("a", DType::float64);
  add("b", DType::float64);
  add("c", DType::string);
  const pickle::Tree tree;
  const Expr out = expression(Object(tree, nullptr), text, Table::joined(columns));
  b.output(out.id(), "out");
  model->signature.outputs.push_back({"out", out.type(), {}});
  model->graph = b.finish("test");
  const std::vector<Tensor> inputs{Tensor::of<double>({3, 1}, std::vector<double>{-7, 2, 3}), Tensor::of<double>({3, 1}, std::vector<double>{2, 4, -2}),
                                   Tensor::of<std::string>({3, 1}, std::vector<std::string>{"x", "y", ""})};
  return Session(model).run(inputs)[0];
}

std::vector<double> numbers(std::string_view text) {
  const Tensor out = value(text);
  std::vector<double> values;
  for (std::size_t i = 0; i < out.size(); ++i) values.push_back(out.number(i));
  return values;
}

using Doubles = std::vector<double>;

TEST(Expression, ComputesAsPythonDoes) {
  EXPECT_EQ(numbers("X[0]"), (Doubles{-7, 2, 3}));
  EXPECT_EQ(numbers("X[:, 0] + 2 * X[\"b\"]"), (Doubles{-3, 10, -1}));
  EXPECT_EQ(numbers("(X[0] + 2) * X[1]"), (Doubles{-10, 16, -10}));
  EXPECT_EQ(numbers("X[0] % X[1]"), (Doubles{1, 2, -1}));  // the sign of the divisor
  EXPECT_EQ(numbers("X[0] // X[1]"), (Doubles{-4, 0, -2}));
  EXPECT_EQ(numbers("-X[1] ** 2"), (Doubles{-4, -16, -4}));  // the power binds tighter
  EXPECT_EQ(numbers("X[0] % 2.0 > 0.0"), (Doubles{1, 0, 1}));
  EXPECT_EQ(numbers("X[0] < 0 or not X[1] != 4"), (Doubles{1, 1, 0}));
  EXPECT_EQ(numbers("1 if X[2] == 'x' and X[0] < 0 else 2"), (Doubles{1, 2, 2}));
  EXPECT_EQ(numbers("-8 < X[0] <= 2"), (Doubles{1, 1, 0}));
  EXPECT_EQ(numbers("X[2] in ['x', \"y\"]"), (Doubles{1, 1, 0}));
  EXPECT_EQ(numbers("X[0] not in (2, 3,)"), (Doubles{1, 0, 0}));
  EXPECT_EQ(numbers("numpy.where(X[:, 0] > 0, X[:, 0], -1)"), (Doubles{-1, 2, 3}));
  EXPECT_EQ(numbers("True"), (Doubles{1, 1, 1}));
  EXPECT_EQ(numbers("3"), (Doubles{3, 3, 3}));
  EXPECT_EQ(numbers("abs(X[0]) + numpy.sqrt(X[1] * X[1]) + math.floor(0.5)"), (Doubles{9, 6, 5}));
}

TEST(Expression, JoinsTexts) {
  const Tensor out = value("'<' + X[2] + '>'");
  ASSERT_EQ(out.dtype(), DType::string);
  EXPECT_EQ(out.data<std::string>()[0], "<x>");
  EXPECT_EQ(out.data<std::string>()[2], "<>");
}

TEST(Expression, RefusesTheRest) {
  for (const std::string_view text : {"", "1 +", "X[3]", "eval(X[0])", "numpy.load(X[0])", "X[0] in []", "X[0] in X", "Truest", "X['d']", "X[0", "X[0] +", "X[0] X[1]", "__import__('os')", "X[0].real", "X[2] * 2", "'\\x41' + X[2]", "X[2] < 'a'"}) {
    EXPECT_THROW(value(text), Error) << text;
  }
  EXPECT_THROW(value(std::string(1000, '(') + "X[0]" + std::string(1000, ')')), Error);
  EXPECT_THROW(value(std::string(1000, '-') + "X[0]"), Error);
}

}  // namespace
}  // namespace decant::sklearn
