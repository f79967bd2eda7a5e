// SPDX-License-Identifier: Apache-2.0
// The objects that a skops archive describes (skops/io of skops 0.2 to 0.16): schema.json, a tree of nodes that name a class and a way to
// load it, and members for the arrays. It is given as the tree that a pickle of the same objects would be, so that one meaning serves both.
#pragma once

#include "codecs/pickle/pickle.h"
#include "codecs/zip/zip.h"
#include "io/sink.h"

namespace decant::skops {

inline constexpr std::string_view kSchema = "schema.json";

pickle::Tree read_tree(const zip::Archive& archive);
/// Writes what a pickle or another archive describes, as skops.io.dump would. Only genuine classes and functions are written; throws
/// unsupported, naming what is not one of them or what skops has no node for.
void write_tree(const pickle::Tree& tree, Sink& sink);

}  // namespace decant::skops
