/* SPDX-License-Identifier: MIT */
/*
 * Where a virtio function has its capabilities.
 */
#pragma once

#define VIRTIO_CAP_AT_MSIX   0x40
#define VIRTIO_CAP_AT_COMMON 0x50
#define VIRTIO_CAP_AT_ISR    0x60
#define VIRTIO_CAP_AT_DEVICE 0x70
#define VIRTIO_CAP_AT_NOTIFY 0x80
#define VIRTIO_CAP_AT_WINDOW 0x94

#define VIRTIO_CAP_SIZE	       16
#define VIRTIO_CAP_NOTIFY_SIZE 20
#define VIRTIO_CAP_WINDOW_SIZE 20
