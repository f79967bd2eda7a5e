// SPDX-License-Identifier: Apache-2.0
// A mirror of an ONNX file (onnx/onnx.proto, IR version 14): its messages as they stand there, each field with its own name. Text and
// bytes are views of the file. What the fields mean together is the reader's business.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "codecs/protobuf/wire.h"
#include "ir/tensor.h"

namespace decant::onnx {

struct StringStringEntryProto {
  std::string_view key, value;
};

struct TensorProto {
  std::vector<std::int64_t> dims;
  std::int64_t data_type = 0;
  std::string_view name;
  std::optional<Blob> raw_data;
  std::vector<float> float_data;
  std::vector<std::int64_t> int32_data, int64_data, uint64_data;
  std::vector<double> double_data;
  std::vector<std::string_view> string_data;
  std::vector<StringStringEntryProto> external_data;
  std::int64_t data_location = 0;  // 1: EXTERNAL
  std::uint64_t offset = 0;        // where the message stands in the file
};

struct SparseTensorProto {
  TensorProto values, indices;
  std::vector<std::int64_t> dims;
  std::uint64_t offset = 0;
};

struct Dimension {
  std::int64_t dim_value = -1;
  std::string_view dim_param;
};

/// One level is kept: of a sequence what its elements are, if these are tensors.
struct TypeProto {
  enum Kind : std::uint8_t { none, tensor, sequence, map, optional, sparse_tensor };
  Kind kind = none;
  std::int64_t elem_type = 0;  // of a tensor, of the tensors in a sequence
  bool has_shape = false;
  std::vector<Dimension> shape;
};

struct ValueInfoProto {
  std::string_view name;
  TypeProto type;
};

struct GraphProto;

struct AttributeProto {
  enum Type : std::int64_t {
    UNDEFINED = 0, FLOAT = 1, INT = 2, STRING = 3, TENSOR = 4, GRAPH = 5, FLOATS = 6, INTS = 7, STRINGS = 8, TENSORS = 9, GRAPHS = 10,
    SPARSE_TENSOR = 11, SPARSE_TENSORS = 12, TYPE_PROTO = 13, TYPE_PROTOS = 14
  };
  std::string_view name, ref_attr_name;
  std::int64_t type = UNDEFINED;
  float f = 0;
  std::int64_t i = 0;
  std::string_view s;
  std::optional<TensorProto> t;
  std::optional<SparseTensorProto> sparse_tensor;
  std::vector<GraphProto> g;  // none or one
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string_view> strings;
};

struct NodeProto {
  std::vector<std::string_view> input, output;
  std::string_view name, op_type, domain, overload;
  std::vector<AttributeProto> attribute;
  std::uint64_t offset = 0;
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> node;
  std::vector<TensorProto> initializer;
  std::vector<SparseTensorProto> sparse_initializer;
  std::vector<ValueInfoProto> input, output, value_info;
  std::uint64_t offset = 0;
};

struct OperatorSetIdProto {
  std::string_view domain;
  std::int64_t version = 0;
};

struct FunctionProto {
  std::string_view name, domain, overload;
  std::vector<std::string_view> input, output, attribute;
  std::vector<AttributeProto> attribute_proto;
  std::vector<NodeProto> node;
  std::vector<OperatorSetIdProto> opset_import;
};

struct ModelProto {
  std::int64_t ir_version = 0;
  std::vector<OperatorSetIdProto> opset_import;
  std::string_view producer_name, producer_version, domain;
  std::optional<GraphProto> graph;
  std::vector<StringStringEntryProto> metadata_props;
  std::vector<FunctionProto> functions;
};

/// Throws truncated, corrupt or limit, with the offset.
ModelProto parse_model(const Source& source);
/// The file holds one TensorProto (.pb).
TensorProto parse_tensor(const Source& source);

/// Checks dims against the bytes that are there and returns the elements: a view of the file where they lie there as they are. External data
/// is taken from beside the file only. Throws corrupt, truncated, unsupported or unsafe, naming the tensor.
Tensor to_tensor(const TensorProto& proto, const Source& source);
/// The dense tensor: there is no sparse one in a Graph. Its memory is charged to the budget.
Tensor to_tensor(const SparseTensorProto& proto, const Source& source);
/// Whether an external location could lead anywhere but to a file beside the model.
bool leads_elsewhere(std::string_view location);

}  // namespace decant::onnx
