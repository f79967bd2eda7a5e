// SPDX-License-Identifier: Apache-2.0
// The decoders of images: a module of its own (decant_images.so, src/image_codecs/) that is loaded when a model first decodes an image, so
// that a program that never does neither loads five libraries nor offers them to an attacker.
#pragma once

#include <string>
#include <vector>

#include "images/image_api.h"

namespace decant {

/// Loads the module once. Throws unsupported, with every place where it was looked for, when it is not there or does not fit.
const decant_image_api& image_api();

/// Where the module may lie, as absolute paths: beside the program (or the shared library that holds this code), and in lib/decant beside
/// and above it. Never in the current folder, nor where the environment says.
std::vector<std::string> image_module_places();

}  // namespace decant
