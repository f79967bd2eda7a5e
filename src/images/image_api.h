/* SPDX-License-Identifier: Apache-2.0
 * What decant_images.so offers: image files to pixels of 8 bits. A C interface, because the module is loaded when a model asks for
 * ImageDecoder, and a program must be able to tell that a module of another version lies beside it. Nothing is thrown through it, nothing
 * is printed, and no file is opened. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DECANT_IMAGE_API_VERSION 1

/* What the header says. Rows top to bottom, pixels of `channels` bytes: 1 (luminance) or 3 (red, green, blue). */
typedef struct {
  uint32_t width, height, channels;
  uint64_t working; /* bytes that decoding takes beside the pixels, at most */
  const char* format;
} decant_image_info;

typedef enum { DECANT_IMAGE_DONE = 0, DECANT_IMAGE_BAD = 1, DECANT_IMAGE_LIMIT = 2 } decant_image_result;

typedef struct {
  uint32_t version; /* DECANT_IMAGE_API_VERSION */
  /* Reads the header only. `why` gets one line where the result is not DONE. */
  decant_image_result (*probe)(const uint8_t* data, size_t size, decant_image_info* info, char* why, size_t why_size);
  /* `info` as probe filled it; `pixels` holds width * height * channels bytes; takes at most `memory` bytes beside them. */
  decant_image_result (*decode)(const uint8_t* data, size_t size, const decant_image_info* info, uint64_t memory, uint8_t* pixels, char* why, size_t why_size);
} decant_image_api;

/* The one symbol of the module. */
typedef const decant_image_api* (*decant_image_entry)(void);
#define DECANT_IMAGE_ENTRY "decant_images"

#ifdef __cplusplus
}
#endif
