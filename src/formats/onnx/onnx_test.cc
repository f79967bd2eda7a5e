// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "codecs/protobuf/wire.h"
#include "formats/onnx/onnx_raw.h"
#include "formats/onnx/onnx_reader.h"
#include "formats/onnx/onnx_upgrade.h"
#include "formats/onnx/onnx_writer.h"
#include "ops/expr.h"
#include "ops/op_testing.h"

namespace decant::onnx {
namespace {

using namespace decant::testing;
using protobuf::Writer;

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / format("decant_onnx_{}", ::getpid())) { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string written(const Model& model, std::vector<Loss>& losses) {
  const Folder folder;
  {
    Sink sink(folder / "m.onnx");
    write(model, sink, losses);
    sink.commit();
  }
  const Source source = Source::open(folder / "m.onnx");
  return std::string(as_text(source.bytes()));
}
Source source_of(const std::string& bytes) { return Source::memory(Blob::copy_of(as_bytes(bytes)), "test.onnx"); }
std::string bytes_of(const Writer& w) {
  std::string out;
  w.each([&](Bytes piece) { out += as_text(piece); });
  return out;
}

Model sample() {
  Builder b;
  const Type type = Type::tensor(DType::float64, {{-1, "N"}, {2, {}}});
  const ValueId x = b.input("X", type);
  const std::vector<ValueId> near = b.node("decant", "KNeighbors", {x, b.constant(doubles({3, 2}, {0, 0, 1, 1, 5, 5}))}, {{"k", std::int64_t{2}}}, 2);
  const Expr e = matmul(Expr(b, x), Expr(b, b.constant(doubles({2, 2}, {1, 2, 3, 4})))) * 0.3;
  b.output(near[1], "indices");
  b.output(softmax(e).id(), "predict_proba");
  b.output(gather(Expr(b, b.constant(make<std::string>({2}, {"no", "yes"}))), argmax(e), 0).id(), "predict");
  Model m;
  m.graph = b.finish("g");
  m.signature.inputs = {{"X", type, {"a", "b \"quoted\"\n"}}};
  for (const ValueId id : m.graph.outputs) m.signature.outputs.push_back({m.graph.value(id).name, m.graph.value(id).type, {}});
  m.origin = {"pickle", "scikit-learn", "1.9.1", "test"};
  return m;
}

TEST(Onnx, WrittenAndReadAgainIsTheSame) {
  const Model model = sample();
  std::vector<Loss> losses, none;
  const std::string bytes = written(model, losses);
  EXPECT_EQ(losses.size(), 1u);  // ties among neighbours
  EXPECT_EQ(bytes, written(model, none));

  const Source source = source_of(bytes);
  const Model again = read(source);
  EXPECT_EQ(again.origin.framework, "scikit-learn");
  EXPECT_EQ(again.signature.inputs[0].columns, (std::vector<std::string>{"a", "b \"quoted\"\n"}));
  EXPECT_EQ(again.signature.inputs[0].type.text(), "float64[N, 2]");
  const Tensor x[] = {doubles({2, 2}, {0.2, 0.1, 4, 5})};
  Turns turns;
  const std::vector<Tensor> a = GraphRunner(model.graph).run(x, {}, turns), b = GraphRunner(again.graph).run(x, {}, turns);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].same_as(b[i])) << i;
}

// What does not fit into a protocol buffer goes beside it: the same with a bound of 64 KiB instead of 2 GiB.
TEST(Onnx, LargeWeightsAreWrittenIntoASecondFile) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 16;
  constexpr std::int64_t kWide = 200;
  Builder b;
  const Type type = Type::tensor(DType::float32, {{1, {}}, {kWide, {}}});
  const ValueId x = b.input("X", type);
  Tensor large(DType::float32, {kWide, kWide}), small(DType::float32, {kWide}), tiny(DType::float32, {1});
  for (std::size_t i = 0; i < large.size(); ++i) large.mutable_data<float>()[i] = static_cast<float>(i % 97);
  for (std::size_t i = 0; i < small.size(); ++i) small.mutable_data<float>()[i] = static_cast<float>(i);
  tiny.mutable_data<float>()[0] = 3;
  const ValueId bias = b.node("", "Mul", {b.constant(small), b.input("S", Type::tensor(DType::float32, {{1, {}}}))}, {}, 1)[0];
  b.output(b.node("", "Add", {b.node("", "MatMul", {x, b.constant(large)}, {}, 1)[0], b.node("", "Mul", {bias, b.constant(tiny)}, {}, 1)[0]}, {}, 1)[0], "Y");
  Model model;
  model.graph = b.finish("g");
  for (const ValueId id : model.graph.inputs) model.signature.inputs.push_back({model.graph.value(id).name, model.graph.value(id).type, {}});
  model.signature.outputs = {{"Y", type, {}}};

  const Folder folder;
  std::vector<Loss> losses;
  {
    Sink given_up(folder / "none.onnx");
    write(model, given_up, losses, kMost);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "none.onnx.data"));
  {
    Sink sink(folder / "m.onnx");
    write(model, sink, losses, kMost);
    sink.commit();
  }
  EXPECT_TRUE(losses.empty());
  EXPECT_LT(std::filesystem::file_size(folder / "m.onnx"), 2000u);
  EXPECT_EQ(std::filesystem::file_size(folder / "m.onnx.data"), large.blob().size());  // the others are small
  const Model again = read(Source::open(folder / "m.onnx"));
  const Tensor in[] = {Tensor(DType::float32, {1, kWide}, large.blob().slice(0, kWide * 4)), tiny};
  Turns turns;
  EXPECT_TRUE(GraphRunner(model.graph).run(in, {}, turns)[0].same_as(GraphRunner(again.graph).run(in, {}, turns)[0]));

  // Without the second file, or with a shorter one, it is said what is missing.
  std::filesystem::resize_file(folder / "m.onnx.data", 1000);
  EXPECT_THROW(read(Source::open(folder / "m.onnx")), Error);
  std::filesystem::remove(folder / "m.onnx.data");
  EXPECT_THROW(read(Source::open(folder / "m.onnx")), Error);
  // The graph alone must fit.
  Sink other(folder / "other.onnx");
  EXPECT_THROW(write(model, other, losses, 100), Error);
  // Standard output takes one file.
  Sink out("/dev/null");
  EXPECT_THROW(write(model, out, losses, kMost), Error);
}

// A model of one node, written by hand.
Writer node_of(std::string_view op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  Writer n;
  for (const std::string& i : inputs) n.text(1, i);
  for (const std::string& o : outputs) n.text(2, o);
  n.text(4, op);
  return n;
}
Writer info_of(std::string_view name, std::int64_t dtype = 1) {
  Writer type, tensor, info;
  tensor.int64(1, dtype);
  type.message(1, std::move(tensor));
  info.text(1, name);
  info.message(2, std::move(type));
  return info;
}
std::string model_of(Writer graph, std::int64_t opset = 21) {
  Writer m, import;
  m.int64(1, 10);
  m.message(7, std::move(graph));
  import.text(1, "");
  import.int64(2, opset);
  m.message(8, std::move(import));
  return bytes_of(m);
}
// A model whose weights are larger than memory would like: 6 GiB of zeros that are no blocks of the disk. Opening maps them, running touches
// the row that is read.
TEST(Onnx, AModelOfManyGigabytesIsOpenedAndRunWhereItIs) {
  constexpr std::int64_t kRows = std::int64_t{3} << 20, kWide = 512;
  const Folder folder;
  Writer table, location, gather, graph;
  table.packed(1, std::vector<std::int64_t>{kRows, kWide});
  table.int64(2, 1);
  table.text(8, "table");
  location.text(1, "location");
  location.text(2, "large.onnx.data");
  table.message(13, std::move(location));
  table.int64(14, 1);
  graph.message(1, node_of("Gather", {"table", "rows"}, {"Y"}));
  graph.text(2, "g");
  graph.message(5, std::move(table));
  graph.message(11, info_of("rows", 7));
  graph.message(12, info_of("Y"));
  {
    Sink sink(folder / "large.onnx");
    sink.write(model_of(std::move(graph)));
    Sink& data = sink.beside(".data");
    data.write("");
    sink.commit();
  }
  std::filesystem::resize_file(folder / "large.onnx.data", static_cast<std::uintmax_t>(kRows * kWide) * 4);
  {
    std::FILE* file = std::fopen((folder / "large.onnx.data").c_str(), "r+b");
    ASSERT_NE(file, nullptr);
    const float v = 7;
    ASSERT_EQ(::fseeko(file, static_cast<off_t>((kRows - 1) * kWide * 4), SEEK_SET), 0);
    ASSERT_EQ(std::fwrite(&v, sizeof v, 1, file), 1u);
    std::fclose(file);
  }
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0, pages = 0;
    file >> all >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  };
  const std::size_t before = resident();
  const Model model = read(Source::open(folder / "large.onnx"));
  const Tensor rows[] = {make<std::int64_t>({2}, {0, kRows - 1})};
  Turns turns;
  const Tensor y = GraphRunner(model.graph).run(rows, {}, turns)[0];
  EXPECT_EQ(y.number(0), 0);
  EXPECT_EQ(y.number(kWide), 7);
  EXPECT_LT(resident() - std::min(before, resident()), std::size_t{16} << 20);
}

void expect_refused(Code code, Writer graph) {
  const Source source = source_of(model_of(std::move(graph)));
  expect_error(code, [&] { read(source); });
}

TEST(Onnx, RefusesGraphsThatAreNone) {
  Writer unknown;
  unknown.message(1, node_of("Add", {"a", "b"}, {"b"}));
  unknown.message(11, info_of("a"));
  unknown.message(12, info_of("b"));
  expect_refused(Code::corrupt, std::move(unknown));  // b from b: a cycle

  Writer twice;
  twice.message(1, node_of("Abs", {"a"}, {"b"}));
  twice.message(1, node_of("Neg", {"a"}, {"b"}));
  twice.message(11, info_of("a"));
  expect_refused(Code::corrupt, std::move(twice));

  Writer python, op = node_of("PythonOp", {"a"}, {"b"});
  op.text(7, "com.microsoft");
  python.message(1, std::move(op));
  python.message(11, info_of("a"));
  expect_refused(Code::unsafe, std::move(python));
}

TEST(Onnx, TensorsHoldWhatTheyPromise) {
  const auto refuse = [](Code code, const std::vector<std::int64_t>& dims, std::int64_t dtype, const std::string& raw, std::string_view location = {}) {
    Writer t, graph;
    t.packed(1, dims);
    t.int64(2, dtype);
    t.text(8, "w");
    if (location.empty()) {
      t.text(9, raw);
    } else {
      Writer entry;
      entry.text(1, "location");
      entry.text(2, location);
      t.message(13, std::move(entry));
      t.int64(14, 1);
    }
    graph.message(5, std::move(t));
    expect_refused(code, std::move(graph));
  };
  refuse(Code::corrupt, {3}, 1, "12345678");
  refuse(Code::corrupt, {-1}, 1, "");
  refuse(Code::corrupt, {0, std::int64_t{1} << 60}, 1, "");
  refuse(Code::corrupt, {std::int64_t{1} << 40, std::int64_t{1} << 40}, 1, "");
  refuse(Code::corrupt, {1}, 9, "\x07");  // no truth value
  refuse(Code::unsupported, {1}, 99, "x");
  for (const char* location : {"../x", "/etc/passwd", "a/../../x", "..\\x", "....//x", "C:\\x", "http://x"}) refuse(Code::unsafe, {1}, 1, "", location);
  refuse(Code::io, {1}, 1, "", "not_there.bin");  // a source in memory has nothing beside it
}

TEST(Onnx, SmallElementsArePackedInFiles) {
  Builder b;
  const ValueId x = b.input("x", Type::tensor(DType::int4, {{3, {}}}));
  const Tensor numbers = Tensor::of<Int4>({3}, std::vector<Int4>{Int4(-8), Int4(7), Int4(-1)});
  b.output(b.op("Concat", {x, b.constant(numbers, "c")}, {{"axis", std::int64_t{0}}}), "y");
  Model m;
  m.graph = b.finish("g");
  std::vector<Loss> losses;
  const std::string bytes = written(m, losses);
  EXPECT_NE(bytes.find("\x78\x0F"), std::string::npos);  // two to a byte, the first in the lower half
  const Source source = source_of(bytes);
  const Model again = read(source);
  ASSERT_EQ(again.graph.constants.size(), 1u);
  EXPECT_TRUE(again.graph.constants.begin()->second.same_as(numbers));
}

TEST(Onnx, SparseConstantsAreMadeDense) {
  const auto model = [](const std::vector<std::int64_t>& dims, const std::vector<std::int64_t>& indices) {
    Writer values, places, sparse, graph;
    values.packed(1, std::vector<std::int64_t>{2});
    values.int64(2, 1);
    values.packed(4, std::vector<float>{5, 7});
    values.text(8, "w");
    places.packed(1, std::vector<std::int64_t>{2});
    places.int64(2, 7);
    places.packed(7, indices);
    sparse.message(1, std::move(values));
    sparse.message(2, std::move(places));
    sparse.packed(3, dims);
    graph.message(1, node_of("Identity", {"w"}, {"y"}));
    graph.message(15, std::move(sparse));
    graph.message(12, info_of("y"));
    return graph;
  };
  const Source source = source_of(model_of(model({2, 2}, {1, 2})));
  Turns turns;
  expect_equal<float>(GraphRunner(read(source).graph).run({}, {}, turns)[0], {2, 2}, {0, 5, 7, 0});
  expect_refused(Code::corrupt, model({2, 2}, {1, 4}));
  expect_refused(Code::corrupt, model({2, 2}, {-1, 0}));
  expect_refused(Code::limit, model({1 << 20, 1 << 20}, {0, 1}));
}

TEST(Onnx, YoungerOperatorsAreWrittenWithTheirOperatorSet) {
  Builder b;
  const ValueId x = b.input("x", Type::tensor(DType::float32, {{2, {}}}));
  b.output(b.op("SwiGLU", {x, x}), "y");
  Model m;
  m.graph = b.finish("g");
  std::vector<Loss> losses;
  const Source source = source_of(written(m, losses));
  const ModelProto raw = parse_model(source);
  EXPECT_EQ(raw.ir_version, 14);
  ASSERT_EQ(raw.opset_import.size(), 1u);
  EXPECT_EQ(raw.opset_import[0].version, 28);
}

TEST(Onnx, OldOperatorsMeanWhatTheyMeant) {
  const auto once = [](std::string op, std::int64_t version, const Tensor& x, Attributes attributes) {
    Builder b;
    const ValueId in = b.input("x", Type::of(x));
    Call call{"", std::move(op), "n", {in}, std::move(attributes), 1, version};
    b.output(add_upgraded(b, std::move(call))[0], "y");
    const Graph g = b.finish("g");
    Turns turns;
    const Tensor inputs[] = {x};
    return GraphRunner(g).run(inputs, {}, turns)[0];
  };
  using Integers = std::vector<std::int64_t>;
  const Tensor x = doubles({1, 2, 2}, {0, 0, 0, 0});
  // Softmax-1: over everything behind axis 1 at once.
  expect_equal<double>(once("Softmax", 1, x, {}), {1, 2, 2}, {0.25, 0.25, 0.25, 0.25});
  expect_equal<double>(once("ReduceSum", 11, doubles({2, 2}, {1, 2, 3, 4}), {{"axes", Integers{1}}}), {2, 1}, {3, 7});
  EXPECT_EQ(once("Unsqueeze", 11, x, {{"axes", Integers{0}}}).rank(), 4u);
  EXPECT_EQ(once("Slice", 9, x, {{"starts", Integers{0}}, {"ends", Integers{1}}, {"axes", Integers{2}}}).shape(), (Shape{1, 2, 1}));
  expect_equal<double>(once("Clip", 6, doubles({2}, {-5, 5}), {{"min", -1.0}, {"max", 1.0}}), {2}, {-1, 1});
  EXPECT_EQ(once("Cast", 1, x, {{"to", std::string("INT64")}}).dtype(), DType::int64);
}

TEST(Onnx, JsonLists) {
  const std::vector<std::string> texts{"a", "", "q\"\\\n", "ü"};
  EXPECT_EQ(from_json_list(to_json_list(texts)), texts);
  for (const char* bad : {"", "[", "[\"a", "[\"a\"", "[1]", "[\"\\u00"}) EXPECT_TRUE(from_json_list(bad).empty()) << bad;
}

}  // namespace
}  // namespace decant::onnx
