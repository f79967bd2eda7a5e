// SPDX-License-Identifier: Apache-2.0
#include "exec/session.h"

#include <gtest/gtest.h>

#include "ops/expr.h"

namespace decant {
namespace {

/// y = exp(x) + 1, twice its input x, and x itself.
std::shared_ptr<const Model> model() {
  Builder b;
  const Expr x(b, b.input("x", Type::tensor(DType::float64, {Dim{}, Dim{2, {}}})));
  const Expr e = exp(x);
  b.output((e + 1.0).id(), "y");
  b.output((x + x).id(), "twice");
  b.output(b.op("Identity", {x.id()}), "same");
  auto out = std::make_shared<Model>();
  out->graph = b.finish("g");
  out->signature.row_wise = true;
  out->signature.inputs.push_back({});
  out->signature.inputs[0].name = "x";
  out->signature.inputs[0].type = out->graph.value(out->graph.inputs[0]).type;
  for (const char* name : {"y", "twice", "same"}) {
    out->signature.outputs.push_back({});
    out->signature.outputs.back().name = name;
  }
  return out;
}

Tensor rows(std::int64_t n, double from) {
  Tensor out(DType::float64, {n, 2});
  for (std::size_t i = 0; i < out.size(); ++i) out.mutable_data<double>()[i] = from + static_cast<double>(i) / 8;
  return out;
}

TEST(Session, BlocksOfRowsChangeNothing) {
  const Tensor x = rows(10, -1);
  const std::vector<Tensor> whole = Session(model(), {}).run(std::span(&x, 1));
  for (const unsigned threads : {1U, 2U}) {
    SessionOptions options;
    options.block_rows = 3;
    options.threads = threads;
    const std::vector<Tensor> blocks = Session(model(), options).run(std::span(&x, 1));
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(blocks[i].same_as(whole[i])) << i;
  }
}

TEST(Session, AnswersThatSomebodyHoldsAreNotWrittenAgain) {
  SessionOptions options;
  options.block_rows = 3;
  const Session session(model(), options);
  const Tensor first = rows(10, -1), second = rows(10, 2);
  std::vector<Tensor> answers;
  session.run_into(std::span(&first, 1), answers);
  const Tensor held = answers[0];
  const Tensor copy = Tensor::of<double>(held.shape(), held.data<double>());
  const std::byte* memory = answers[1].blob().bytes.data();
  session.run_into(std::span(&second, 1), answers);
  EXPECT_TRUE(held.same_as(copy));
  EXPECT_NE(answers[0].blob().bytes.data(), held.blob().bytes.data());
  EXPECT_EQ(answers[1].blob().bytes.data(), memory);  // nobody held this one
  const std::vector<Tensor> anew = session.run(std::span(&second, 1));
  for (std::size_t i = 0; i < anew.size(); ++i) EXPECT_TRUE(answers[i].same_as(anew[i])) << i;
}

}  // namespace
}  // namespace decant
