# SPDX-License-Identifier: Apache-2.0
"""The globals of genuine PyTorch files, from PyTorch's sources (0.4 to 2.9): PyTorch is too large to install for a list of names.

No optimisers, as their state is plain; no torch.storage._load_from_bytes, as it is a torch.load within the pickle; of torch.jit
only the marks, and nothing of torch.package or torch.distributed: those run or connect when they are unpickled.
"""
_ELEMENTS = "Double Float Half BFloat16 Long Int Short Char Byte Bool ComplexDouble ComplexFloat QUInt8 QInt8 QInt32 QUInt4x2 QUInt2x4".split()

TORCH = {
    "torch": " ".join(f"{element}Storage" for element in _ELEMENTS) + " " + " ".join(f"{element}Tensor" for element in _ELEMENTS[:10]) + (
        " Size Tensor device dtype float16 float32 float64 bfloat16 half float double int8 int16 int32 int64 uint8 uint16 uint32 uint64 short int long bool"
        " complex32 complex64 complex128 cfloat cdouble chalf float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu"
        " qint8 quint8 qint32 quint4x2 quint2x4 strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc"
        " per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric per_channel_affine_float_qparams"
        " contiguous_format preserve_format channels_last channels_last_3d"),
    "torch.cuda": " ".join(f"{element}Storage" for element in _ELEMENTS[:10]) + " " + " ".join(f"{element}Tensor" for element in _ELEMENTS[:10]),
    "torch.storage": "TypedStorage UntypedStorage _TypedStorage _UntypedStorage",
    "torch.serialization": "_get_layout",
    "torch.tensor": "Tensor _rebuild_from_type",
    "torch._tensor": "Tensor _rebuild_from_type _rebuild_from_type_v2",
    "torch._utils": "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state _rebuild_sparse_tensor "
                    "_rebuild_sparse_csr_tensor _rebuild_qtensor _rebuild_meta_tensor_no_storage _rebuild_nested_tensor "
                    "_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor _rebuild_xla_tensor _rebuild_wrapper_subclass",
    # Marks in TorchScript archives, which its own reader resolves.
    "torch.jit._pickle": "build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag",
    "torch._C._nn": "gelu",
    "torch._C": "_TensorBase Size Generator",
    "torch.nn.backends.thnn": "_get_thnn_function_backend",
    "torch.nn.functional": "relu gelu silu tanh sigmoid leaky_relu elu softmax",
    "torch.nn.parameter": "Parameter UninitializedParameter UninitializedBuffer Buffer",
    "torch.nn.parallel.data_parallel": "DataParallel",
    "torch.nn.utils.rnn": "PackedSequence",
}

_MODULES = {
    "activation": "Threshold ReLU RReLU Hardtanh ReLU6 Sigmoid Hardsigmoid Tanh SiLU Mish Hardswish ELU CELU SELU GLU GELU Hardshrink LeakyReLU "
                  "LogSigmoid Softplus Softshrink MultiheadAttention PReLU Softsign Tanhshrink Softmin Softmax Softmax2d LogSoftmax",
    "adaptive": "AdaptiveLogSoftmaxWithLoss",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d",
    "channelshuffle": "ChannelShuffle",
    "container": "Container Sequential ModuleList ModuleDict ParameterList ParameterDict",
    "conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d "
            "LazyConvTranspose2d LazyConvTranspose3d",
    "distance": "PairwiseDistance CosineSimilarity",
    "dropout": "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout",
    "flatten": "Flatten Unflatten",
    "fold": "Fold Unfold",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d",
    "linear": "Linear Identity Bilinear LazyLinear NonDynamicallyQuantizableLinear _LinearWithBias",
    "loss": "L1Loss NLLLoss NLLLoss2d PoissonNLLLoss GaussianNLLLoss KLDivLoss MSELoss BCELoss BCEWithLogitsLoss HingeEmbeddingLoss MultiLabelMarginLoss "
            "SmoothL1Loss HuberLoss SoftMarginLoss CrossEntropyLoss MultiLabelSoftMarginLoss CosineEmbeddingLoss MarginRankingLoss MultiMarginLoss "
            "TripletMarginLoss TripletMarginWithDistanceLoss CTCLoss",
    "module": "Module",
    "normalization": "LocalResponseNorm CrossMapLRN2d LayerNorm GroupNorm RMSNorm",
    "padding": "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d "
               "ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d "
               "FractionalMaxPool3d LPPool1d LPPool2d LPPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AdaptiveAvgPool1d "
               "AdaptiveAvgPool2d AdaptiveAvgPool3d",
    "rnn": "RNNBase RNN LSTM GRU RNNCell LSTMCell GRUCell",
    "sparse": "Embedding EmbeddingBag",
    "transformer": "Transformer TransformerEncoder TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer",
    "upsampling": "Upsample UpsamplingNearest2d UpsamplingBilinear2d",
}
TORCH.update({f"torch.nn.modules.{module}": names for module, names in _MODULES.items()})
