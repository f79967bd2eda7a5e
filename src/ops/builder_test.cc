// SPDX-License-Identifier: Apache-2.0
#include "ops/builder.h"

#include "ops/expr.h"
#include "ops/op_testing.h"

namespace decant {
namespace {

using namespace testing;

std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs) {
  Turns turns(1000);
  return GraphRunner(graph).run(inputs, {}, turns);
}
const Type kScalar = Type::tensor(DType::float64, {});

TEST(Builder, SharesWhatIsTheSame) {
  Builder b;
  const Expr x(b, b.input("x", Type::tensor(DType::float64, {{-1, "N"}, {3, {}}})));
  EXPECT_EQ((x + 1.0).id(), (x + 1.0).id());
  EXPECT_NE((x + 1.0).id(), (x + 2.0).id());
  EXPECT_EQ((x + 1.0).type().text(), "float64[N, 3]");
  expect_error(Code::mismatch, [&] { (void)(x + x.row({1, 2})); });
}

TEST(Builder, FoldsConstants) {
  Builder b;
  const ValueId sum = b.op("Add", {b.constant(Tensor::scalar(2.0)), b.constant(Tensor::scalar(3.0))});
  ASSERT_NE(b.constant_of(sum), nullptr);
  EXPECT_EQ(b.constant_of(sum)->number(0), 5);
  // Not where the result would be large: what a small file says must stay small.
  const ValueId large = b.op("ConstantOfShape", {b.constant(Tensor::vector(std::vector<std::int64_t>{1 << 20, 1 << 20}))});
  EXPECT_EQ(b.constant_of(large), nullptr);
}

TEST(Builder, OutputsHaveNamesOfTheirOwn) {
  Builder b;
  const ValueId x = b.input("x", kScalar);
  b.output(x, "x");                                   // an input as it is
  b.output(x, "same");                                // twice
  b.output(b.constant(Tensor::scalar(1.0)), "one");
  expect_error(Code::corrupt, [&] { b.output(x, "one"); });
  expect_error(Code::corrupt, [&] { b.input("x", kScalar); });
  const Graph g = b.finish("g");
  const std::vector<Tensor> out = run_graph(g, {Tensor::scalar(7.0)});
  EXPECT_EQ(out[0].number(0), 7);
  EXPECT_EQ(out[1].number(0), 7);
  EXPECT_EQ(out[2].number(0), 1);
  EXPECT_NE(g.value(g.outputs[0]).name, "x");         // the input is called so
  EXPECT_EQ(g.value(g.outputs[1]).name, "same");
}

TEST(Builder, GraphsInAttributesSeeOuterValues) {
  Builder b;
  const ValueId x = b.input("x", kScalar), flag = b.input("flag", Type::tensor(DType::boolean, {}));
  const Expr doubled = Expr(b, x) * 2.0;
  const auto branch = [&](double add) {
    Builder inner(b);
    inner.output((Expr(inner, inner.capture(doubled.id())) + add).id(), "y");
    return GraphPtr(std::make_shared<const Graph>(inner.finish("branch")));
  };
  b.output(b.op("If", {flag}, {{"then_branch", branch(1)}, {"else_branch", branch(-1)}}), "out");
  const Graph g = b.finish("g");
  EXPECT_EQ(run_graph(g, {Tensor::scalar(5.0), Tensor::scalar(true)})[0].number(0), 11);
  EXPECT_EQ(run_graph(g, {Tensor::scalar(5.0), Tensor::scalar(false)})[0].number(0), 9);
}

TEST(Loop, CarriesAndStacks) {
  Builder b;
  const ValueId start = b.input("start", kScalar);
  Builder body(b);
  body.input("turn", Type::tensor(DType::int64, {}));
  const ValueId go_on = body.input("go_on", Type::tensor(DType::boolean, {}));
  const Expr carried(body, body.input("carried", kScalar)), next = carried * 2.0;
  body.output(go_on, "again");
  body.output(next.id(), "next");
  body.output(carried.id(), "seen");
  const GraphPtr graph = std::make_shared<const Graph>(body.finish("body"));
  const std::vector<ValueId> out = b.node("", "Loop", {b.input("trips", Type::tensor(DType::int64, {})), kNoValue, start}, {{"body", graph}}, 2);
  b.output(out[0], "last");
  b.output(out[1], "all");
  const Graph g = b.finish("g");
  const std::vector<Tensor> result = run_graph(g, {Tensor::scalar(1.0), Tensor::scalar<std::int64_t>(3)});
  EXPECT_EQ(result[0].number(0), 8);
  expect_equal<double>(result[1], {3}, {1, 2, 4});
  EXPECT_EQ(run_graph(g, {Tensor::scalar(1.0), Tensor::scalar<std::int64_t>(0)})[1].shape(), (Shape{0}));
  expect_error(Code::limit, [&] { run_graph(g, {Tensor::scalar(1.0), Tensor::scalar(std::numeric_limits<std::int64_t>::max())}); });
}

TEST(Scan, WalksRows) {
  Builder b;
  const Type matrix = Type::tensor(DType::float64, {{-1, "N"}, {2, {}}});
  const ValueId x = b.input("x", matrix), weight = b.input("w", Type::tensor(DType::float64, {{2, {}}}));
  Builder body(b);
  const Expr row(body, body.input("row", Type::tensor(DType::float64, {{2, {}}})));
  body.output((row * Expr(body, body.capture(weight))).id(), "weighted");
  const GraphPtr graph = std::make_shared<const Graph>(body.finish("body"));
  const ValueId out = b.node("", "Scan", {x}, {{"body", graph}, {"num_scan_inputs", std::int64_t{1}}})[0];
  EXPECT_EQ(b.type(out).text(), "float64[N, 2]");
  b.output(out, "y");
  const Graph g = b.finish("g");
  expect_equal<double>(run_graph(g, {doubles({2, 2}, {1, 2, 3, 4}), doubles({2}, {10, 100})})[0], {2, 2}, {10, 200, 30, 400});
  EXPECT_EQ(run_graph(g, {doubles({0, 2}, {}), doubles({2}, {10, 100})})[0].shape(), (Shape{0, 2}));
}

}  // namespace
}  // namespace decant
