/* SPDX-License-Identifier: MIT */
/*
 * Borders of the image, from boot/ringleader.ld. Page aligned.
 */
#pragma once

extern const char image_text_start[], image_text_end[];
extern const char image_rodata_start[], image_rodata_end[];
extern const char image_data_start[], image_data_end[]; /* .data and .bss */
