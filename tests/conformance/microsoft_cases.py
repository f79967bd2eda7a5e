# SPDX-License-Identifier: Apache-2.0
"""One-operator models of onnxruntime's own domain (com.microsoft) with the answers that onnxruntime gives: onnx_cases.py lays them out beside
the onnx package's cases. Inputs are random with fixed seeds."""
import numpy as np
import onnx
from onnx import TensorProto, helper

TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int32"): TensorProto.INT32, np.dtype("int64"): TensorProto.INT64, np.dtype("uint8"): TensorProto.UINT8,
         np.dtype("int8"): TensorProto.INT8, np.dtype("float16"): TensorProto.FLOAT16, np.dtype("bool"): TensorProto.BOOL, np.dtype("float64"): TensorProto.DOUBLE}


def specifications():
    """(name, operator, inputs (None: left out), attributes, number of outputs); an operator "domain:name" is in that domain."""
    rng = np.random.default_rng(7)

    def f(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    def u8(*shape):
        return rng.integers(0, 256, shape).astype(np.uint8)

    def i8(*shape):
        return rng.integers(-127, 128, shape).astype(np.int8)

    def one(x, kind=np.float32):
        return np.array(x, kind)

    u, s = one(128, np.uint8), one(0.02)
    yield "gelu", "Gelu", [f(3, 5)], {}, 1
    yield "bias_gelu", "BiasGelu", [f(3, 5), f(5)], {}, 1
    yield "fast_gelu", "FastGelu", [f(3, 5)], {}, 1
    yield "fast_gelu_bias", "FastGelu", [f(3, 5), f(5)], {}, 1
    yield "quick_gelu", "QuickGelu", [f(3, 5)], {"alpha": 1.5}, 1
    yield "fused_conv_relu", "FusedConv", [f(1, 3, 7, 7), f(4, 3, 3, 3), f(4)], {"activation": "Relu", "pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}, 1
    yield "fused_conv_sum", "FusedConv", [f(1, 3, 7, 7), f(4, 3, 3, 3), f(4), f(1, 4, 5, 5)], {"activation": "Relu", "kernel_shape": [3, 3]}, 1
    yield "fused_conv_leaky", "FusedConv", [f(1, 3, 7, 7), f(4, 3, 3, 3), f(4)], {"activation": "LeakyRelu", "activation_params": [0.3], "kernel_shape": [3, 3]}, 1
    yield "fused_conv_clip", "FusedConv", [f(1, 3, 7, 7), f(4, 3, 3, 3)], {"activation": "Clip", "activation_params": [-0.5, 0.5], "kernel_shape": [3, 3]}, 1
    yield "fused_conv_hard_sigmoid", "FusedConv", [f(1, 3, 7, 7), f(4, 3, 3, 3)], {"activation": "HardSigmoid", "activation_params": [0.2, 0.5], "kernel_shape": [3, 3]}, 1
    yield "fused_gemm", "FusedGemm", [f(3, 4), f(4, 5), f(5)], {"activation": "LeakyRelu", "activation_alpha": 0.2, "alpha": 0.5}, 1
    yield "fused_matmul", "FusedMatMul", [f(2, 4, 3), f(2, 5, 4)], {"transA": 1, "transB": 1, "alpha": 0.25}, 1
    yield "skip_layer_normalization", "SkipLayerNormalization", [f(2, 3, 8), f(2, 3, 8), f(8), f(8), f(8)], {"epsilon": 1e-5}, 1
    yield "skip_layer_normalization_sum", "SkipLayerNormalization", [f(2, 3, 8), f(2, 3, 8), f(8), f(8)], {}, -4
    yield "skip_simplified", "SkipSimplifiedLayerNormalization", [f(2, 3, 8), f(2, 3, 8), f(8)], {"epsilon": 1e-6}, -4
    yield "simplified", ":SimplifiedLayerNormalization", [f(2, 3, 8), f(8)], {"epsilon": 1e-6, "axis": -1, "stash_type": 1}, 1
    ids = rng.integers(0, 9, (2, 5)).astype(np.int32)
    yield "embed", "EmbedLayerNormalization", [ids, (ids % 2).astype(np.int32), f(9, 8), f(6, 8), f(2, 8), f(8), f(8), np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)], {}, 2
    yield "embed_plain", "EmbedLayerNormalization", [ids, None, f(9, 8), f(6, 8), None, f(8), f(8)], {}, 2
    yield "inverse", "Inverse", [f(2, 4, 4)], {}, 1
    yield "trilu", "Trilu", [f(4, 4)], {"upper": 0}, 1

    yield "qlinear_add", "QLinearAdd", [u8(3, 4), s, u, u8(3, 4), one(0.03), one(120, np.uint8), one(0.05), u], {}, 1
    yield "qlinear_add_int8", "QLinearAdd", [i8(3, 4), s, one(1, np.int8), i8(4), one(0.03), one(-3, np.int8), one(0.05), one(2, np.int8)], {}, 1
    yield "qlinear_mul", "QLinearMul", [u8(3, 4), s, u, u8(3, 4), one(0.03), one(120, np.uint8), one(0.05), u], {}, 1
    yield "qlinear_sigmoid", "QLinearSigmoid", [u8(3, 4), s, u, one(1 / 256), one(0, np.uint8)], {}, 1
    yield "qlinear_leaky_relu", "QLinearLeakyRelu", [u8(3, 4), s, u, one(0.02), u], {"alpha": 0.1}, 1
    yield "qlinear_softmax", "QLinearSoftmax", [u8(3, 4), s, u, one(1 / 256), one(0, np.uint8)], {"axis": -1, "opset": 13}, 1
    yield "qlinear_average_pool", "QLinearAveragePool", [u8(1, 2, 6, 6), s, u, one(0.015), u], {"kernel_shape": [2, 2], "strides": [2, 2]}, 1
    yield "qlinear_average_pool_last", "QLinearAveragePool", [u8(1, 6, 6, 2), s, u, one(0.015), u], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "channels_last": 1}, 1
    yield "qlinear_global_average_pool", "QLinearGlobalAveragePool", [u8(1, 3, 6, 6), s, u, one(0.01), u], {"channels_last": 0}, 1
    yield "qlinear_concat", "QLinearConcat", [one(0.04), u, u8(2, 3), s, u, u8(2, 4), one(0.05), one(100, np.uint8)], {"axis": 1}, 1
    yield "matmul_integer_to_float", "MatMulIntegerToFloat", [u8(3, 8), i8(8, 5), s, one(0.01), u, one(0, np.int8), f(5)], {}, 1
    yield "matmul_integer_to_float_columns", "MatMulIntegerToFloat", [u8(2, 3, 8), u8(8, 5), s, np.abs(f(5)), u, u8(5)], {}, 1
    yield "dynamic_quantize_matmul", "DynamicQuantizeMatMul", [f(3, 8), i8(8, 5), one(0.01), one(0, np.int8), f(5)], {}, 1
    yield "dynamic_quantize_matmul_columns", "DynamicQuantizeMatMul", [f(3, 8), i8(8, 5), np.abs(f(5)), None, None], {}, 1
    yield "qgemm", "QGemm", [u8(3, 8), s, u, i8(8, 5), one(0.01), one(0, np.int8), rng.integers(-99, 99, 5).astype(np.int32), one(0.3), u], {}, 1
    yield "qgemm_float", "QGemm", [u8(3, 8), s, u, i8(5, 8), one(0.01), one(0, np.int8), rng.integers(-99, 99, 5).astype(np.int32)], {"transB": 1, "alpha": 0.5}, 1
    yield "quantize_linear", "QuantizeLinear", [f(3, 4), s, u], {}, 1
    yield "dequantize_linear", "DequantizeLinear", [u8(3, 4), s, u], {}, 1
    for block in (16, 32):
        blocks = -(-40 // block)
        yield f"matmul_nbits_{block}", "MatMulNBits", [f(3, 40), u8(6, blocks, block // 2), np.abs(f(6 * blocks))], {"K": 40, "N": 6, "bits": 4, "block_size": block}, 1
        yield f"matmul_nbits_{block}_zero", "MatMulNBits", [f(2, 3, 40), u8(6, blocks, block // 2), np.abs(f(6 * blocks)), u8(6 * (-(-blocks // 2)))], {"K": 40, "N": 6, "bits": 4, "block_size": block}, 1
    yield "matmul_nbits_8", "MatMulNBits", [f(3, 32), u8(6, 2, 16), np.abs(f(12))], {"K": 32, "N": 6, "bits": 8, "block_size": 16}, 1

    # Without zero points: onnxruntime 1.31 does not look at them where there are groups.
    yield "matmul_nbits_groups", "MatMulNBits", [f(3, 64), u8(6, 4, 8), np.abs(f(24)), None, rng.integers(0, 4, 64).astype(np.int32)], {"K": 64, "N": 6, "bits": 4, "block_size": 16}, 1
    for way, two, whole in (("forward", 1, True), ("reverse", 1, False), ("bidirectional", 2, False)):
        scale = [np.abs(f(*((two,) if whole else (two, 20)))) / 64 for _ in range(2)]
        zero = [np.zeros(v.shape, np.int8) for v in scale]
        more = [f(two, 40), None, f(two, 1, 5), f(two, 1, 5), f(two, 15)] if way != "reverse" else [None] * 5
        yield f"dynamic_quantize_lstm_{way}", "DynamicQuantizeLSTM", [f(4, 1, 3), i8(two, 3, 20), i8(two, 5, 20), *more, scale[0], zero[0], scale[1], zero[1]], {"hidden_size": 5, "direction": way}, 3
    yield "dynamic_quantize_lstm_batch", "DynamicQuantizeLSTM", [f(4, 2, 3), u8(1, 3, 20), u8(1, 5, 20), f(1, 40), None, None, None, None, one([0.01]), one([128], np.uint8), one([0.01]), one([120], np.uint8)], {"hidden_size": 5}, 3

    weights = [f(2, 4, 8), f(8, 24) / 4, f(24)]
    yield "attention", "Attention", weights, {"num_heads": 2}, 1
    yield "attention_causal", "Attention", weights, {"num_heads": 2, "unidirectional": 1}, 1
    yield "attention_lengths", "Attention", [*weights, np.array([3, 4], np.int32)], {"num_heads": 2}, 1
    yield "attention_mask", "Attention", [*weights, np.array([[1, 1, 0, 1], [1, 1, 1, 0]], np.int32)], {"num_heads": 2}, 1
    yield "attention_queries", "Attention", [*weights, rng.integers(0, 2, (2, 4, 4)).astype(np.int32)], {"num_heads": 2}, 1
    yield "attention_past", "Attention", [*weights, None, f(2, 2, 2, 3, 4)], {"num_heads": 2, "unidirectional": 1}, 2
    yield "attention_bias", "Attention", [*weights, None, None, f(2, 2, 4, 4)], {"num_heads": 2}, 1
    yield "attention_sizes", "Attention", [f(2, 4, 8), f(8, 28), f(28)], {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 12]}, 1
    yield "qattention", "QAttention", [u8(2, 4, 8), i8(8, 24), f(24), s, one(0.01), None, u, one(0, np.int8)], {"num_heads": 2}, 1
    yield "multi_head", "MultiHeadAttention", [f(2, 4, 8), f(2, 5, 8), f(2, 5, 8)], {"num_heads": 2}, 1
    yield "multi_head_bias", "MultiHeadAttention", [f(2, 4, 8), f(2, 5, 8), f(2, 5, 8), f(24)], {"num_heads": 2, "scale": 0.3}, 1
    yield "multi_head_mask", "MultiHeadAttention", [f(2, 4, 8), f(2, 5, 8), f(2, 5, 8), None, np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]], np.int32)], {"num_heads": 2}, 1
    yield "multi_head_scores", "MultiHeadAttention", [f(2, 4, 8), f(2, 5, 8), f(2, 5, 8), None, None, f(1, 2, 4, 5)], {"num_heads": 2}, 1
    yield "multi_head_causal", "MultiHeadAttention", [f(2, 5, 8), f(2, 5, 8), f(2, 5, 8)], {"num_heads": 2, "unidirectional": 1}, 1
    yield "multi_head_past", "MultiHeadAttention", [f(2, 4, 8), f(2, 4, 8), f(2, 4, 8), None, None, None, f(2, 2, 3, 4), f(2, 2, 3, 4)], {"num_heads": 2}, 3
    angles = np.outer(np.arange(10), [1.0, 0.1])
    caches = [np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)]
    yield "rotary", "RotaryEmbedding", [f(2, 3, 8), np.arange(6).reshape(2, 3), *caches], {}, 1
    yield "rotary_interleaved", "RotaryEmbedding", [f(2, 3, 8), np.array([2]), *caches], {"interleaved": 1}, 1
    yield "group_query", "GroupQueryAttention", [f(1, 4, 32), f(1, 4, 16), f(1, 4, 16), None, None, np.array([3], np.int32), one(4, np.int32)], {"num_heads": 4, "kv_num_heads": 2}, 3
    longer = [np.cos(np.outer(np.arange(10), np.ones(8))).astype(np.float32), np.sin(np.outer(np.arange(10), np.ones(8))).astype(np.float32)]
    yield "group_query_rotary", "GroupQueryAttention", [f(1, 4, 64), f(1, 4, 32), f(1, 4, 32), None, None, np.array([3], np.int32), one(4, np.int32), *longer], {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1}, 3
    yield "group_query_past", "GroupQueryAttention", [f(1, 1, 32), f(1, 1, 16), f(1, 1, 16), f(1, 2, 3, 8), f(1, 2, 3, 8), np.array([3], np.int32), one(4, np.int32)], {"num_heads": 4, "kv_num_heads": 2}, 3
    # Sequences of which more and less is past: the place of the last key is 3 and 1.
    yield "group_query_pasts", "GroupQueryAttention", [f(2, 1, 32), f(2, 1, 16), f(2, 1, 16), f(2, 2, 3, 8), f(2, 2, 3, 8), np.array([3, 1], np.int32), one(4, np.int32)], {"num_heads": 4, "kv_num_heads": 2}, 3
    yield "group_query_pasts_rotary", "GroupQueryAttention", [f(2, 1, 64), f(2, 1, 32), f(2, 1, 32), f(2, 2, 5, 16), f(2, 2, 5, 16), np.array([2, 4], np.int32), one(5, np.int32), *longer], {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1}, 3
    yield "group_query_padded", "GroupQueryAttention", [f(2, 4, 32), f(2, 4, 16), f(2, 4, 16), None, None, np.array([3, 3], np.int32), one(4, np.int32)], {"num_heads": 4, "kv_num_heads": 2, "local_window_size": 2}, 3
    yield "group_query_bias", "GroupQueryAttention", [f(2, 1, 32), f(2, 1, 16), f(2, 1, 16), f(2, 2, 3, 8), f(2, 2, 3, 8), np.array([3, 1], np.int32), one(4, np.int32), None, None, None, f(2, 4, 1, 4)], {"num_heads": 4, "kv_num_heads": 2}, 3


def cases():
    """(name, model, inputs, outputs)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1  # ranges of what is quantized depend on how a batch is shared out
    for name, op, inputs, attributes, outputs in specifications():
        domain, _, op = op.rpartition(":") if ":" in op else ("com.microsoft", "", op)
        # A negative number: the first and the last of so many outputs.
        names = [f"y{i}" for i in range(outputs)] if outputs > 0 else ["y0", *[""] * (-outputs - 2), "y1"]
        node = helper.make_node(op, [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)], names, domain=domain, **attributes)
        infos = [helper.make_tensor_value_info(f"x{i}", TYPES[x.dtype], x.shape) for i, x in enumerate(inputs) if x is not None]
        graph = helper.make_graph([node], name, infos, [onnx.ValueInfoProto(name=n) for n in names if n])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
        try:
            session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            given = [x for x in inputs if x is not None]
            answers = session.run(None, {info.name: x for info, x in zip(infos, given, strict=True)})
        except Exception as error:
            raise RuntimeError(f"{name}: {error}") from error
        for info, answer in zip(model.graph.output, answers, strict=True):
            info.CopyFrom(helper.make_tensor_value_info(info.name, TYPES[answer.dtype], answer.shape))
        yield name, model, given, answers
