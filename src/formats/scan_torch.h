// SPDX-License-Identifier: Apache-2.0
// The parts of PyTorch's files that scan must understand to tell damage from data: storages and the tensors that view them
// (torch/serialization.py, torch/_utils.py).
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "codecs/pickle/pickle.h"
#include "formats/scan.h"

namespace decant::torch {

/// Bytes of one element of a storage class ("FloatStorage"); 0 when there is no such class.
std::uint64_t element_size(std::string_view storage_class);

/// Whether a persistent id's second part is a storage class that torch does not have: damage, but nothing that is called.
bool is_unknown_storage(const pickle::Node& node);

/// Every tensor lies inside its storage, and every storage inside what the file holds for its key (nothing: no such storage).
void check_tensors(const pickle::Tree& tree, Report& report,
                   const std::function<std::optional<std::uint64_t>(std::string_view key)>& bytes_of_key);

/// Files of torch before 1.6: a magic number, a protocol version, a description of the machine, the object, the keys of the storages,
/// each as a pickle of its own, then the storages.
bool is_legacy(const pickle::Tree& first);
void scan_legacy(Cursor& cursor, Report& report);  // from behind the magic number to behind the storages

}  // namespace decant::torch
