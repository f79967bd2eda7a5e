// SPDX-License-Identifier: Apache-2.0
// Operators of neural networks: what the onnx package's cases do not reach, and what a hostile file would try.
#include "ops/op_testing.h"

namespace decant {
namespace {

using namespace testing;
using Integers = std::vector<std::int64_t>;

Tensor ramp(Shape shape) {
  Tensor out(DType::float32, std::move(shape));
  for (std::size_t i = 0; i < out.size(); ++i) out.mutable_data<float>()[i] = static_cast<float>(i);
  return out;
}

TEST(Conv, WalksLargeImagesInTiles) {
  // More outputs than one tile holds: ones everywhere, so that each output counts its window.
  Tensor x(DType::float32, {1, 64, 40, 50}), w(DType::float32, {3, 64, 3, 3});
  std::ranges::fill(x.mutable_data<float>(), 1.0f);
  std::ranges::fill(w.mutable_data<float>(), 1.0f);
  const Tensor y = run1("Conv", {x, w}, {{"pads", Integers{1, 1, 1, 1}}});
  ASSERT_EQ(y.shape(), (Shape{1, 3, 40, 50}));
  for (std::int64_t m = 0; m < 3; ++m) {
    for (std::int64_t i = 0; i < 40; ++i) {
      for (std::int64_t j = 0; j < 50; ++j) {
        const int rows = i == 0 || i == 39 ? 2 : 3, columns = j == 0 || j == 49 ? 2 : 3;
        ASSERT_EQ(y.data<float>()[static_cast<std::size_t>((m * 40 + i) * 50 + j)], static_cast<float>(64 * rows * columns));
      }
    }
  }
}

TEST(Conv, RefusesWhatDoesNotFit) {
  const Tensor x = ramp({1, 4, 5, 5});
  expect_error(Code::mismatch, [&] { run1("Conv", {x, ramp({2, 3, 3, 3})}); });                             // channels
  expect_error(Code::mismatch, [&] { run1("Conv", {x, ramp({3, 2, 3, 3})}, {{"group", std::int64_t{2}}}); });  // filters by groups
  expect_error(Code::mismatch, [&] { run1("Conv", {x, ramp({2, 4, 6, 6})}); });                             // larger than the image
  expect_error(Code::mismatch, [&] { run1("Conv", {x, ramp({2, 4, 3})}); });
  expect_error(Code::corrupt, [&] { run1("Conv", {x, ramp({2, 4, 3, 3})}, {{"strides", Integers{0, 1}}}); });
  expect_error(Code::mismatch, [&] { run1("Conv", {x, ramp({2, 4, 3, 3})}, {{"strides", Integers{1}}}); });
  expect_error(Code::mismatch, [&] { run1("Conv", {x, ramp({2, 4, 3, 3}), ramp({3})}); });                  // bias
  expect_error(Code::limit, [&] { run1("Conv", {x, ramp({2, 4, 1, 1})}, {{"pads", Integers{1 << 30, 0, 1 << 30, 0}}}); });
  expect_error(Code::limit, [&] { run1("Conv", {x, ramp({2, 4, 3, 3})}, {{"dilations", Integers{std::int64_t{1} << 31, 1}}}); });
  expect_error(Code::limit, [&] { run1("ConvTranspose", {x, ramp({4, 1, 3, 3})}, {{"output_shape", Integers{1 << 30, 1 << 30}}}); });
}

TEST(Pool, RefusesWhatDoesNotFit) {
  const Tensor x = ramp({1, 1, 4, 4});
  expect_error(Code::corrupt, [&] { run1("MaxPool", {x}); });
  expect_error(Code::corrupt, [&] { run1("MaxPool", {x}, {{"kernel_shape", Integers{0, 2}}}); });
  expect_error(Code::mismatch, [&] { run1("AveragePool", {x}, {{"kernel_shape", Integers{5, 5}}}); });
  expect_error(Code::mismatch, [&] { run1("MaxUnpool", {ramp({1, 1, 1, 1}), integers({1, 1, 1, 1}, {99})}, {{"kernel_shape", Integers{2, 2}}}); });
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
  const Tensor x = ramp({2, 1, 3}), w = ramp({1, 16, 3}), r = ramp({1, 16, 4});
  EXPECT_EQ(run("", "LSTM", {x, w, r}, {}, 3)[0].shape(), (Shape{2, 1, 1, 4}));
  expect_error(Code::mismatch, [&] { run("", "LSTM", {x, ramp({1, 12, 3}), r}, {}, 3); });
  expect_error(Code::mismatch, [&] { run("", "LSTM", {x, w, r, ramp({1, 31})}, {}, 3); });
  expect_error(Code::mismatch, [&] { run("", "LSTM", {x, w, r, {}, integers({1}, {3})}, {}, 3); });  // longer than there are steps
  expect_error(Code::mismatch, [&] { run("", "LSTM", {x, w, r}, {{"hidden_size", std::int64_t{5}}}, 3); });
  expect_error(Code::unsupported, [&] { run("", "RNN", {x, ramp({1, 4, 3}), ramp({1, 4, 4})}, {{"activations", std::vector<std::string>{"Nope"}}}, 2); });
}

TEST(Resize, RefusesSizesOutOfProportion) {
  const Tensor x = ramp({1, 1, 4, 4});
  expect_error(Code::limit, [&] { run1("Resize", {x, {}, {}, integers({4}, {1, 1, 1 << 20, 1 << 20})}); });
  expect_error(Code::mismatch, [&] { run1("Resize", {x, {}, make<float>({4}, {1, 1, -2, 2})}); });
  expect_error(Code::mismatch, [&] { run1("Resize", {x, {}, make<float>({2}, {2, 2})}); });
}

TEST(Einsum, RefusesWhatIsNoEquation) {
  const Tensor a = ramp({2, 3}), b = ramp({3, 4});
  expect_equal<float>(run1("Einsum", {ramp({2, 2})}, {{"equation", std::string("ii->")}}), {}, {3});  // the trace
  expect_error(Code::mismatch, [&] { run1("Einsum", {a, a}, {{"equation", std::string("ij,jk->ik")}}); });
  expect_error(Code::corrupt, [&] { run1("Einsum", {a, b}, {{"equation", std::string("ij->ij")}}); });
  expect_error(Code::corrupt, [&] { run1("Einsum", {a, b}, {{"equation", std::string("ij,jk->iz")}}); });
  expect_error(Code::mismatch, [&] { run1("Einsum", {a, b}, {{"equation", std::string("i,jk->ik")}}); });
}

TEST(Sequences, RefusePositionsOutside) {
  const Tensor s = Tensor::sequence({ramp({2}), ramp({3})});
  EXPECT_EQ(run1("SequenceAt", {s, integers({}, {-1})}).shape(), (Shape{3}));
  expect_error(Code::mismatch, [&] { run1("SequenceAt", {s, integers({}, {2})}); });
  expect_error(Code::mismatch, [&] { run1("SequenceInsert", {s, integers({1}, {1})}); });       // another element type
  expect_error(Code::mismatch, [&] { run1("SequenceAt", {ramp({2}), integers({}, {0})}); });    // a tensor
  expect_error(Code::unsupported, [&] { run1("Sigmoid", {s}); });                               // a sequence where a tensor belongs
  expect_error(Code::mismatch, [&] { run1("OptionalGetElement", {Tensor::nothing()}); });
}

TEST(Maps, BecomeRows) {
  const Tensor words = Tensor::map(make<std::string>({2}, {"b", "x"}), make<float>({2}, {5, 6})), numbers = Tensor::map(integers({2}, {3, 1}), make<float>({2}, {5, 6}));
  const auto ml = [](std::string_view op, const Tensor& map, Attributes attributes) { return run("ai.onnx.ml", op, {map}, std::move(attributes))[0]; };
  expect_equal<float>(ml("DictVectorizer", words, {{"string_vocabulary", std::vector<std::string>{"a", "b", "c"}}}), {1, 3}, {0, 5, 0});
  expect_equal<std::int64_t>(ml("CastMap", numbers, {{"cast_to", std::string("TO_INT64")}}), {1, 2}, {6, 5});
  expect_equal<float>(ml("CastMap", numbers, {{"map_form", std::string("SPARSE")}, {"max_map", std::int64_t{5}}}), {1, 5}, {0, 6, 0, 5, 0});
  expect_error(Code::mismatch, [&] { ml("CastMap", numbers, {{"map_form", std::string("SPARSE")}, {"max_map", std::int64_t{3}}}); });
  expect_error(Code::mismatch, [&] { ml("DictVectorizer", ramp({2}), {{"int64_vocabulary", Integers{1}}}); });
}

TEST(Quantized, RefuseScalesThatDoNotFit) {
  expect_error(Code::mismatch, [] { run1("QuantizeLinear", {ramp({2, 3}), ramp({2})}, {{"axis", std::int64_t{1}}}); });
  expect_error(Code::mismatch, [] { run1("QuantizeLinear", {ramp({2, 3}), ramp({2, 1})}, {{"axis", std::int64_t{1}}, {"block_size", std::int64_t{2}}}); });
  expect_error(Code::mismatch, [] { run1("DequantizeLinear", {make<std::uint8_t>({2}, {1, 2}), ramp({1}), make<std::int8_t>({1}, {0})}); });
}

TEST(Signal, RefusesLengthsOutOfProportion) {
  expect_error(Code::mismatch, [] { run1("DFT", {ramp({1, 8, 1}), integers({}, {std::int64_t{1} << 40})}); });
  expect_error(Code::mismatch, [] { run1("STFT", {ramp({1, 8, 1}), integers({}, {0}), {}, integers({}, {4})}); });
  expect_error(Code::limit, [] { run1("HannWindow", {integers({}, {std::int64_t{1} << 40})}); });
}

}  // namespace
}  // namespace decant
