// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/data.h"

namespace decant {

std::string npy_file(const Tensor& tensor);  // strings as NumPy unicode
void write_npz(Sink& sink, std::span<const Output> outputs, std::span<const Tensor> tensors);

}  // namespace decant
