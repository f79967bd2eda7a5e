// SPDX-License-Identifier: Apache-2.0
// Small questions that every reader of pickled Python objects asks. None of them follows a chain of nodes, so none can loop.
#pragma once

#include <optional>
#include <string_view>

#include "codecs/pickle/pickle.h"

namespace decant::python {

/// The class whose instance `node` is: made by NEWOBJ, by calling the class, by copyreg._reconstructor or copyreg.__newobj__; else null.
pickle::Ref class_of(const pickle::Node& node);

/// What BUILD gave last, or null.
pickle::Ref state_of(const pickle::Node& node);

/// The value of a text key in a dict node; the last one, as in Python, when a key is repeated. Null when absent or `dict` is no dict.
pickle::Ref find(pickle::Ref dict, std::string_view key);

/// The attribute of an object whose state is a dict (or the pair of a dict and slots), or null.
pickle::Ref attribute(const pickle::Node& object, std::string_view name);

std::optional<std::int64_t> integer_of(pickle::Ref node);  // integers and booleans
std::optional<std::string_view> text_of(pickle::Ref node);

/// Bytes however a protocol wrote them: bytes, bytearray, str of Python 2, _codecs.encode(text, 'latin1'), bytes(). Nothing otherwise.
std::optional<Blob> bytes_of(const pickle::Node& node, const Source& source, const std::shared_ptr<void>& owner);

}  // namespace decant::python
